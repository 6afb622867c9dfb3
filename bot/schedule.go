package bot

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
)

// ScheduleID numbers the schedules of one device, from 1, never reused.
type ScheduleID int64

// Schedule is a command to be called at times, as the person who made it.
type Schedule struct {
	ID ScheduleID
	// Claim is who made it, and where. Rights are looked up anew each time.
	Claim Claim
	// Person is the maker's name on the allowlist when it was made. A label.
	Person string
	// Message is the one that made it: what it runs answers that.
	Message MessageID
	// Line is the command as the person wrote it, without the slash.
	Line   string
	Timing Timing
	Missed Missed
	State  ScheduleState
	// Due is when it is next to run. While State is not ScheduleOn it means
	// nothing.
	Due time.Time
	// Last is the call that it made last; 0 = none yet.
	Last CallID
	Made time.Time
}

// ScheduleState is whether a schedule runs.
type ScheduleState int

// The states of a schedule.
const (
	ScheduleOn     ScheduleState = iota
	SchedulePaused               // by a person, who may let it go on
	ScheduleOff                  // by us: its maker may not, or not any more
)

// Missed says what becomes of an occurrence whose time passed while the machine
// was off. It is for times of day: a pace never catches up.
type Missed string

// What may become of what was missed.
const (
	MissedRun  Missed = "run"  // run, up to lateMost after its time; then skip
	MissedSkip Missed = "skip" // say so, and leave it
	MissedAsk  Missed = "ask"  // ask whether to run it
)

// Turn moves a schedule on past an occurrence. It is recorded together with
// what the occurrence made, or not at all.
type Turn struct {
	Schedule ScheduleID
	// Due is the occurrence. If the schedule is not on, or is at another one,
	// nothing is recorded but the key.
	Due time.Time
	// Next is when it is due after that; zero removes the schedule.
	Next time.Time
	// Call is what it made; 0 = nothing, and Schedule.Last stays.
	Call CallID
	// Off switches it off.
	Off bool
}

// Bounds of schedules.
const (
	// MinEvery is the shortest pace: what is to happen more often is a program
	// of its own.
	MinEvery = 10 * time.Second
	// MaxEvery is the longest: a year is more than any machine is left alone.
	MaxEvery = 366 * 24 * time.Hour
	// schedulesPerPerson is how many one person may have.
	schedulesPerPerson = 20
	// maxLine is the longest command of a schedule, in bytes.
	maxLine = 4 << 10
	// lateMost is how late what was missed may still run, with MissedRun.
	lateMost = time.Hour
	// inTime is how late is not late: the loop's own delay, and a restart.
	inTime = time.Minute
	// scheduleLook is how often the clock is looked at, which may be set.
	scheduleLook = 15 * time.Second
	// clockBack is how far ahead of its natural time a time of day may be due
	// before the clock must have been set back. A day has at most 25 hours.
	clockBack = 26 * time.Hour
)

// Scheduler makes calls at times. An occurrence comes in by the same door as a
// message: its key ("schedule/3/2026-01-31T07:30:00Z") is recorded in one
// transaction with the call that it makes and with the schedule's next time, so
// that whatever is killed, whenever, none is run twice. Its fields are set
// before Run and not changed.
type Scheduler struct {
	// Reception is the door, and what stands around it.
	Reception *Reception
	// Now is the clock, in the zone of the people.
	Now func() time.Time

	wake chan struct{} // capacity 1: a schedule was added or changed
}

// NewScheduler makes a scheduler. The commands need it before there can be a
// Reception, which is set later.
func NewScheduler() *Scheduler {
	return &Scheduler{Now: time.Now, wake: make(chan struct{}, 1)}
}

// Run runs what is due until ctx ends.
func (r *Scheduler) Run(ctx context.Context) error {
	for {
		wait := scheduleLook
		next, err := r.Tick(ctx)
		if err != nil && ctx.Err() == nil {
			// Nothing is lost: the occurrence is due until it is recorded.
			r.Reception.Logger.Error("run what is scheduled", "err", err)
		} else if !next.IsZero() {
			wait = min(wait, max(0, next.Sub(r.Now())))
		}
		select {
		case <-time.After(wait):
		case <-r.wake:
		case <-ctx.Done():
			return nil
		}
	}
}

// Tick runs what is due now and returns when to come again; zero = no schedule
// is on. Run calls it.
func (r *Scheduler) Tick(ctx context.Context) (next time.Time, err error) {
	on, err := r.Reception.Store.Schedules(ctx, ScheduleFilter{On: true})
	if err != nil {
		return time.Time{}, err
	}
	now := r.Now()
	var failed error
	for _, s := range on {
		s.Due = s.Due.In(now.Location())
		due := s.Due
		if due.After(now) {
			due, err = r.heedClock(ctx, s, now)
		} else {
			due, err = r.turn(ctx, s, now)
		}
		if err != nil {
			failed = errors.Join(failed, fmt.Errorf("schedule %d: %w", s.ID, err))
			continue
		}
		if !due.IsZero() && (next.IsZero() || due.Before(next)) {
			next = due
		}
	}
	return next, failed
}

// heedClock moves a time that is off only because the clock was set back, or the
// time zone was changed. What has run keeps its key: coming to the same time
// again runs nothing.
func (r *Scheduler) heedClock(ctx context.Context, s Schedule, now time.Time) (time.Time, error) {
	natural := s.Timing.Next(now)
	ahead := s.Due.Sub(natural)
	off := ahead > time.Second
	if s.Timing.Every == 0 {
		// Where the time zone has changed the time is none at which it is due.
		off = !s.Timing.Once() && ahead > clockBack || !s.Timing.Next(s.Due.Add(-1)).Equal(s.Due)
	}
	if !off {
		return s.Due, nil
	}
	r.Reception.Logger.Warn("the clock was set; a schedule begins anew", "schedule", int64(s.ID), "due", s.Due, "now_due", natural)
	return natural, r.Reception.Store.SetSchedule(ctx, s.ID, ScheduleOn, natural)
}

// turn takes one occurrence through the door, whatever becomes of it, and
// returns when the schedule is due next.
func (r *Scheduler) turn(ctx context.Context, s Schedule, now time.Time) (time.Time, error) {
	entry, err := r.entry(ctx, s, now)
	if err != nil {
		return time.Time{}, err
	}
	became, err := r.Reception.record(ctx, Intake{Adapter: s.Claim.Thread.Adapter, Entries: []Entry{entry}})
	if err != nil {
		return time.Time{}, err
	}
	if became[0] == Seen {
		// It ran before the clock was set back to this time.
		if entry.Turn.Next.IsZero() {
			return time.Time{}, r.Reception.Store.RemoveSchedule(ctx, s.ID)
		}
		return entry.Turn.Next, r.Reception.Store.SetSchedule(ctx, s.ID, ScheduleOn, entry.Turn.Next)
	}
	if entry.Turn.Off {
		return time.Time{}, nil
	}
	return entry.Turn.Next, nil
}

// entry decides what an occurrence becomes: a call, a word about why not, or
// nothing at all.
func (r *Scheduler) entry(ctx context.Context, s Schedule, now time.Time) (Entry, error) {
	entry := Entry{
		Key:  fmt.Sprintf("%s%d/%s", scheduleKey, s.ID, s.Due.UTC().Format(time.RFC3339Nano)),
		Turn: &Turn{Schedule: s.ID, Due: s.Due, Next: s.Timing.following(s.Due, now)},
	}
	off := func(say ...Delivery) (Entry, error) {
		entry.Turn.Off, entry.Say = true, say
		if entry.Turn.Next.IsZero() {
			entry.Turn.Next = s.Due // it stays, to be looked at
		}
		return entry, nil
	}
	s.Claim = r.Reception.Deliver.standing(ctx, r.Reception.Policy, s.Claim)
	p, err := r.Reception.Policy.Authorize(s.Claim)
	if err != nil {
		r.Reception.Logger.Warn("schedule switched off", "schedule", int64(s.ID), "person", s.Person, "why", err.Error())
		return off(r.orphaned(s)...)
	}
	command, args, err := r.Reception.Parser.Parse(s.Line)
	if err == nil {
		err = r.may(p, command)
	}
	if err != nil {
		return off(r.note(s, fmt.Sprintf("⏰ %d is off: %v", s.ID, err), nil))
	}
	late := now.Sub(s.Due)
	if s.Timing.Every > 0 && late >= min(inTime, s.Timing.Every) {
		return entry, nil
	}
	busy, err := r.busy(ctx, s)
	if err != nil {
		return Entry{}, err
	}
	call := Call{
		ID: r.Reception.Store.NewCall(), Key: entry.Key, Command: command.Name, Args: args,
		Claim: s.Claim, Message: s.Message, Text: "/" + s.Line, Accepted: time.Now(),
	}
	switch {
	case busy && s.Timing.Every > 0:
		return entry, nil
	case busy:
		entry.Say = []Delivery{r.note(s, fmt.Sprintf("⏰ %d was left out: its last run goes on still.", s.ID), nil)}
		return entry, nil
	case late <= inTime || s.Missed == MissedRun && late <= lateMost:
	case s.Missed == MissedAsk:
		complete(&call, Late, fmt.Sprintf("was due %s ago", roughly(late)))
		entry.Say = []Delivery{lateQuestion(call, r.Reception.Device, late)}
	default:
		again := []Button{{Label: "Run now", Command: command.Name, Args: args}}
		entry.Say = []Delivery{r.note(s, fmt.Sprintf("⏰ %d was due at %s, while %s was away, and was left out: /%s",
			s.ID, s.Due.Format("2 Jan 15:04"), r.Reception.Device, clip(s.Line, 200)), again)}
		return entry, nil
	}
	entry.Turn.Call = call.ID
	entry.Call = &call
	return entry, nil
}

// scheduleKey begins the keys of calls that a schedule made.
const scheduleKey = "schedule/"

// scheduled is the number of the schedule that made the call, if one did.
func (c Call) scheduled() (id string, ok bool) {
	rest, ok := strings.CutPrefix(c.Key, scheduleKey)
	if !ok {
		return "", false
	}
	id, _, ok = strings.Cut(rest, "/")
	return id, ok
}

// busy reports whether what the schedule ran last goes on.
func (r *Scheduler) busy(ctx context.Context, s Schedule) (bool, error) {
	if s.Last == 0 {
		return false, nil
	}
	return running(ctx, r.Reception.Store, s.Last)
}

// running reports whether a call has not finished, or a session that it has
// started has not ended.
func running(ctx context.Context, store Store, id CallID) (bool, error) {
	c, err := store.Call(ctx, id)
	switch {
	case errors.Is(err, ErrNotFound):
		return false, nil
	case err != nil:
		return false, err
	case c.State != Completed:
		return true, nil
	}
	session, err := store.Session(ctx, id.Session())
	if errors.Is(err, ErrNotFound) {
		return false, nil
	}
	return err == nil && session.State != Ended, err
}

// note is a word about the schedule in its chat. Its buttons are for its maker.
func (r *Scheduler) note(s Schedule, text string, row []Button) Delivery {
	post := Plainf("%s", text)
	if len(row) > 0 {
		post.Keyboard = &Keyboard{Handle: NewHandle(), Once: true, Only: s.Claim.Account, Expires: r.Now().Add(24 * time.Hour), Rows: [][]Button{row}}
	}
	return Delivery{Thread: s.Claim.Thread, Slot: Slot("schedule/" + NewHandle()), Post: post, ReplyTo: s.Message, Final: true}
}

// orphaned tells the owners that a schedule's maker is let in no more. The chat
// itself hears nothing: it may be a stranger's now.
func (r *Scheduler) orphaned(s Schedule) []Delivery {
	var say []Delivery
	for _, owner := range r.Reception.Policy.Owners() {
		if th, ok := r.Reception.Deliver.Direct(owner); ok {
			say = append(say, Delivery{Thread: th, Slot: Slot("schedule/" + NewHandle()), Final: true, Post: Post{Text: []Span{
				{Text: fmt.Sprintf("⏰ %d is off: %s, who made it, may not run it any more: ", s.ID, label(s.Person))},
				{Style: Code, Text: "/" + clip(s.Line, 200)},
				{Text: fmt.Sprintf(" (%s)\n/schedules delete %d removes it.", s.Timing, s.ID)},
			}}})
		}
	}
	return say
}

// may tells whether the principal may have the command run at times; the error
// is a *UserError.
func (r *Scheduler) may(p Principal, c Command) error {
	switch {
	case c.Hidden || c.Attended:
		return Userf("/%s needs somebody to be there, so it cannot be scheduled.", c.Name)
	case c.Effect == Ends:
		return Userf("/%s ends me, so it cannot be scheduled: a mistake in it could not be stopped from here.", c.Name)
	case !p.May(c.Role):
		return Userf("%s", denied(p, c))
	}
	return nil
}

// Add makes a schedule of the line, for the call's person and place. Errors are
// *UserError when the person can do something about them.
func (r *Scheduler) Add(ctx context.Context, p Principal, c Call, line string, t Timing, m Missed) (Schedule, error) {
	line = strings.TrimPrefix(strings.TrimSpace(line), "/")
	if len(line) > maxLine {
		return Schedule{}, Userf("That is %d kB of command; a schedule takes %d. Put it into a script on the device.", len(line)>>10, maxLine>>10)
	}
	if t.Every != 0 && (t.Every < MinEvery || t.Every > MaxEvery) {
		return Schedule{}, Userf("The pace can be from %s to %d days, not %s.", brief(MinEvery), int(MaxEvery.Hours()/24), brief(t.Every))
	}
	command, _, err := r.Reception.Parser.Parse(line)
	if err != nil {
		return Schedule{}, err
	}
	if err := r.may(p, command); err != nil {
		return Schedule{}, err
	}
	now := r.Now()
	s := Schedule{
		Claim: c.Claim, Person: p.Person(), Message: c.Message, Line: line,
		Timing: t, Missed: m, Due: t.Next(now), Made: now,
	}
	s.ID, err = r.Reception.Store.AddSchedule(ctx, s, schedulesPerPerson)
	if errors.Is(err, ErrFull) {
		return Schedule{}, Userf("You have %d schedules, which is the limit. /schedules shows them, with a button to delete one.", schedulesPerPerson)
	}
	if err != nil {
		return Schedule{}, err
	}
	r.nudge()
	return s, nil
}

// List is the schedules of the principal's chat, or of all chats, by number.
func (r *Scheduler) List(ctx context.Context, p Principal, everywhere bool) ([]Schedule, error) {
	f := ScheduleFilter{Room: p.Thread().Room()}
	if everywhere {
		f.Room = Thread{}
		if !p.May(Operator) {
			f.Person = p.Person()
		}
	}
	return r.Reception.Store.Schedules(ctx, f)
}

// Find is a schedule that the principal may change: their own, or anybody's for
// an operator. Errors are *UserError when the person can do something about
// them.
func (r *Scheduler) Find(ctx context.Context, p Principal, id ScheduleID) (Schedule, error) {
	s, err := r.Reception.Store.Schedule(ctx, id)
	switch {
	case errors.Is(err, ErrNotFound):
		return s, Userf("There is no schedule %d (any more). /schedules shows what there is.", id)
	case err != nil:
		return s, err
	case s.Person != p.Person() && !p.May(Operator):
		return s, Userf("Schedule %d is %s's. They can change it, or an operator.", id, s.Person)
	}
	return s, nil
}

// Pause lets a schedule rest, Resume lets it go on, from now.
func (r *Scheduler) Pause(ctx context.Context, s Schedule) error {
	return r.Reception.Store.SetSchedule(ctx, s.ID, SchedulePaused, s.Due)
}

// Resume lets a schedule go on from now, and returns it as it is then.
func (r *Scheduler) Resume(ctx context.Context, s Schedule) (Schedule, error) {
	s.State, s.Due = ScheduleOn, s.Timing.Next(r.Now())
	err := r.Reception.Store.SetSchedule(ctx, s.ID, s.State, s.Due)
	r.nudge()
	return s, err
}

// Remove forgets a schedule. What it runs now goes on.
func (r *Scheduler) Remove(ctx context.Context, s Schedule) error {
	return r.Reception.Store.RemoveSchedule(ctx, s.ID)
}

// Command is what the schedule's line means to the principal, who must have the
// right to call it: run by hand it is theirs. Errors are *UserError.
func (r *Scheduler) Command(p Principal, s Schedule) (Command, Args, error) {
	command, args, err := r.Reception.Parser.Parse(s.Line)
	if err == nil {
		err = r.may(p, command)
	}
	return command, args, err
}

func (r *Scheduler) nudge() {
	select {
	case r.wake <- struct{}{}:
	default:
	}
}
