package bot

import (
	"cmp"
	"context"
	"fmt"
	"strconv"
)

// What is chosen for a session is kept in its own scope of the settings until
// it ends.
const (
	viewChoice   = "view"     // a ViewKind
	panChoice    = "pan"      // the first column that is shown
	keysChoice   = "keys"     // the page of the keypad
	holderChoice = "keyboard" // who alone may type, by name
)

func choicesOf(id SessionID) string { return "session/" + string(id) }

// choice is what was chosen for a session, "" when nothing was, or nobody knows.
func (s *Sessions) choice(ctx context.Context, id SessionID, name string) string {
	value, err := s.Store.Setting(ctx, choicesOf(id), name)
	if err != nil && ctx.Err() == nil {
		s.Logger.Error("read a choice for a session", "session", id, "choice", name, "err", err)
	}
	return value
}

func (s *Sessions) view(ctx context.Context, id SessionID) ViewKind {
	return ViewKind(s.choice(ctx, id, viewChoice))
}

func (s *Sessions) pan(ctx context.Context, id SessionID) int {
	n, _ := strconv.Atoi(s.choice(ctx, id, panChoice))
	return n
}

func (s *Sessions) keypage(ctx context.Context, id SessionID) string {
	return s.choice(ctx, id, keysChoice)
}

// forgetChoices forgets what was chosen for a session that has ended.
func (s *Sessions) forgetChoices(ctx context.Context, id SessionID) {
	chosen, err := s.Store.Settings(ctx, choicesOf(id))
	for name := range chosen {
		if failed := s.Store.Set(ctx, choicesOf(id), name, ""); err == nil {
			err = failed
		}
	}
	if err != nil && ctx.Err() == nil {
		s.Logger.Error("forget the choices for a session", "session", id, "err", err)
	}
}

// Window is what the session's terminal shows now. Errors are *UserError when
// the person can do something about them.
func (s *Sessions) Window(ctx context.Context, p Principal, id SessionID) (Window, error) {
	session, err := s.Store.Session(ctx, id)
	if err != nil {
		return nil, fmt.Errorf("read session %s: %w", id, err)
	}
	switch {
	case !visible(p, session):
		return nil, Userf("There is no session %s here. /ps lists them.", id)
	case !session.PTY:
		return nil, Userf("Session %s has no terminal. /term or --pty gives a program one; /log %s has its output.", id, id)
	}
	return s.window(ctx, id)
}

func (s *Sessions) window(ctx context.Context, id SessionID) (Window, error) {
	state, _, err := s.Runner.Screen(ctx, id)
	if err != nil {
		return nil, fmt.Errorf("read the screen of session %s: %w", id, err)
	}
	window, err := s.Renderer.Window(state, s.Masker)
	if err != nil {
		return nil, fmt.Errorf("read the screen of session %s: %w", id, err)
	}
	return window, nil
}

// Show chooses how a session's terminal is shown, for all who watch it.
func (s *Sessions) Show(ctx context.Context, p Principal, id SessionID, view ViewKind) error {
	return s.choose(ctx, p, id, viewChoice, string(view))
}

// Keypage chooses which keys are under a terminal: "f" for the function keys,
// else those for every day.
func (s *Sessions) Keypage(ctx context.Context, p Principal, id SessionID, page string) error {
	if page != "f" {
		page = ""
	}
	return s.choose(ctx, p, id, keysChoice, page)
}

// Pan moves what is shown of a wide window by steps, to the right or (steps < 0)
// to the left.
func (s *Sessions) Pan(ctx context.Context, p Principal, id SessionID, steps int) error {
	window, err := s.Window(ctx, p, id)
	if err != nil {
		return err
	}
	most := max(int(window.Facts().Size.Cols)-panWidth, 0)
	from := min(max(s.pan(ctx, id)+steps*panStep, 0), most)
	value := ""
	if from > 0 {
		value = strconv.Itoa(from)
	}
	return s.choose(ctx, p, id, panChoice, value)
}

func (s *Sessions) choose(ctx context.Context, p Principal, id SessionID, name, value string) error {
	if _, err := s.Window(ctx, p, id); err != nil {
		return err
	}
	if err := s.Store.Set(ctx, choicesOf(id), name, value); err != nil {
		return fmt.Errorf("choose how session %s is shown: %w", id, err)
	}
	s.nudge(id)
	return nil
}

// nudge has a session's terminal shown soon.
func (s *Sessions) nudge(id SessionID) {
	s.mu.Lock()
	w := s.live[id]
	s.mu.Unlock()
	if w != nil {
		w.nudge()
	}
}

// Give hands a session's keyboard to a person: from then on nobody else types
// into it, until they or the session's starter give it on. An empty name gives
// it back to the starter.
func (s *Sessions) Give(ctx context.Context, p Principal, id SessionID, to string) error {
	session, err := s.Store.Session(ctx, id)
	if err != nil {
		return fmt.Errorf("read session %s: %w", id, err)
	}
	holder := s.choice(ctx, id, holderChoice)
	if !mine(p, session) && holder != p.Person() {
		return Userf("Session %s is %s's. Giving its keyboard away needs the role %s.", id, session.Person, Operator)
	}
	if session.State == Ended {
		return s.ended(ctx, id)
	}
	if to == session.Person {
		to = ""
	}
	s.Logger.Info("keyboard given", "session", id, "by", p.Person(), "to", to)
	if err := s.Store.Set(ctx, choicesOf(id), holderChoice, to); err != nil {
		return fmt.Errorf("give the keyboard of session %s: %w", id, err)
	}
	return nil
}

// MayType says, as a *UserError, why the person may not type into the session:
// for what types into it by other ways than Control.
func (s *Sessions) MayType(ctx context.Context, p Principal, id SessionID) error {
	session, err := s.Store.Session(ctx, id)
	if err != nil {
		return fmt.Errorf("read session %s: %w", id, err)
	}
	if session.State == Ended {
		return s.ended(ctx, id)
	}
	return s.mayType(ctx, p, session)
}

// mayType says, as a *UserError, why the person may not type into the session.
// Who may steer it may, unless the keyboard was given to somebody.
func (s *Sessions) mayType(ctx context.Context, p Principal, session Session) error {
	given := s.choice(ctx, session.ID, holderChoice)
	if given == p.Person() && p.May(User) || given == "" && mine(p, session) {
		return nil
	}
	id, holder := session.ID, cmp.Or(given, session.Person)
	refused := Userf("%s has the keyboard of session %s, and can /give it to you.", holder, id)
	about := Args{"session": {string(id)}}
	switch {
	case mine(p, session):
		refused.Text = fmt.Sprintf("%s has the keyboard of session %s. /take %s takes it back.", holder, id, id)
		refused.Buttons = []Button{{Label: "Take it back", Command: "take", Args: about}}
	case p.May(User):
		refused.Buttons = []Button{{Label: "Ask for the keyboard", Command: AskCommand, Args: about}}
	}
	return refused
}

// Holder is who has a live session's keyboard, by name.
func (s *Sessions) Holder(ctx context.Context, session Session) string {
	return cmp.Or(s.choice(ctx, session.ID, holderChoice), session.Person)
}
