package bot

import (
	"context"
	"fmt"
	"strconv"
	"strings"
)

// The hidden commands that the buttons under a terminal make.
const (
	ViewCommand   = "view"   // choose a view; arguments "kind", "pan", "keys"
	SecretCommand = "secret" // answer a question for a secret in private
	AskCommand    = "ask"    // ask whoever has a session's keyboard for it
	// RefreshCommand brings the picture of a session's display up to date.
	RefreshCommand = "refresh"
)

// keyButton presses a key in the session.
func keyButton(label, name string) Button {
	return Button{Label: label, Command: "key", Args: Args{"keys": {name}}}
}

// answerButton types an answer to a question: a letter, which some programs take
// as it is, or a word and Enter.
func answerButton(answer string) Button {
	keys := strings.Split(answer, "")
	if len(keys) > 1 {
		keys = append(keys, "enter")
	}
	return Button{Label: answer, Command: "key", Args: Args{"keys": keys}}
}

func viewButton(label, name, value string) Button {
	return Button{Label: label, Command: ViewCommand, Args: Args{name: {value}}}
}

// windowKeys is the keypad under a terminal's window: what fits what is going
// on there.
func (w *watcher) windowKeys(ctx context.Context, st Status) *Keyboard {
	if w.lim.Buttons == 0 {
		return nil
	}
	rows := w.layout(ctx, st)
	for i, row := range rows {
		rows[i] = row[:min(len(row), w.lim.Buttons)]
	}
	name := fmt.Sprint(rows)
	k := w.pane.keypads[name]
	if k == nil {
		if w.pane.keypads == nil {
			w.pane.keypads = map[string]*Keyboard{}
		}
		k = &Keyboard{Handle: NewHandle(), Rows: rows, Session: w.session.ID}
		w.pane.keypads[name] = k
	}
	return k
}

// layout is at most five rows of at most five keys, which every network takes.
func (w *watcher) layout(ctx context.Context, st Status) [][]Button {
	stop, fn := Button{Label: "Stop", Command: "stop"}, viewButton("F1…", "keys", "f")
	last := []Button{w.otherView(), fn, stop, {Label: "Log", Command: "log"}}
	if w.pane.facts.Size.Cols > panWidth && w.pane.view == ViewText {
		last = []Button{viewButton("◀", "pan", "left"), viewButton("▶", "pan", "right"), w.otherView(), stop, fn}
	}
	if !w.pane.facts.Full { // it is shown as a window because somebody wants it so
		last[3] = viewButton("Lines", "kind", "auto")
	}
	if w.lim.Form != "" {
		last = last[:min(len(last), 4)] // and the form's button
	}
	switch {
	case st.Hidden:
		rows := [][]Button{{keyButton("Enter", "enter"), keyButton("^C", "ctrl-c"), stop}}
		if !w.session.Claim.Direct && w.lim.Form == "" {
			rows = append([][]Button{{{Label: "Answer in private", Command: SecretCommand}}}, rows...)
		}
		return rows
	case w.s.keypage(ctx, w.session.ID) == "f":
		return [][]Button{
			{keyButton("F1", "f1"), keyButton("F2", "f2"), keyButton("F3", "f3"), keyButton("F4", "f4"), keyButton("F5", "f5")},
			{keyButton("F6", "f6"), keyButton("F7", "f7"), keyButton("F8", "f8"), keyButton("F9", "f9"), keyButton("F10", "f10")},
			{keyButton("F11", "f11"), keyButton("F12", "f12"), keyButton("Home", "home"), keyButton("End", "end"), keyButton("Del", "del")},
			{viewButton("⌨ back", "keys", "main"), keyButton("Esc", "esc"), keyButton("Enter", "enter"), stop},
		}
	}
	rows := [][]Button{
		{keyButton("Esc", "esc"), keyButton("Tab", "tab"), keyButton("↑", "up"), keyButton("Enter", "enter")},
		{keyButton("^C", "ctrl-c"), keyButton("←", "left"), keyButton("↓", "down"), keyButton("→", "right")},
		{keyButton("^D", "ctrl-d"), keyButton("PgUp", "pgup"), keyButton("PgDn", "pgdn"), keyButton("⌫", "backspace")},
	}
	if asked := answerKeys(w.pane.facts); asked != nil {
		rows = append([][]Button{asked}, rows...)
	}
	return append(rows, last)
}

// answerKeys is a row for what the program seems to wait for; nil for nothing
// in particular.
func answerKeys(f WindowFacts) []Button {
	switch f.Asks {
	case AsksYesNo:
		return []Button{answerButton(f.Yes), answerButton(f.No)}
	case AsksNumber:
		var row []Button
		for n := 1; n <= min(f.Choices, 5); n++ {
			row = append(row, keyButton(strconv.Itoa(n), strconv.Itoa(n)))
		}
		return row
	case AsksAnyKey:
		return []Button{keyButton("Space", "space")}
	case AsksPager:
		return []Button{keyButton("Space", "space"), keyButton("b", "b"), keyButton("g", "g"), keyButton("G", "G"), keyButton("q", "q")}
	}
	return nil
}

// otherView is the button that shows the window the other way.
func (w *watcher) otherView() Button {
	if w.pane.view == ViewPicture {
		return viewButton("Text", "kind", string(ViewText))
	}
	return viewButton("Picture", "kind", string(ViewPicture))
}
