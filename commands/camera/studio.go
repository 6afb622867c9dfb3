package camera

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"chapi/bot"
)

// maxJobs is how many jobs there may be at once: each keeps a camera, and
// perhaps the processor, busy.
const maxJobs = 16

// Kind is what a job does.
type Kind string

// The kinds of jobs.
const (
	Timelapse Kind = "timelapse" // a picture now and then, a clip in the end
	Watch     Kind = "watch"     // a picture that is kept current
	Motion    Kind = "motion"    // tells when something moves
)

// Plan is what a job is to do, as it is kept on disk.
type Plan struct {
	ID     string        `json:"id"`
	Kind   Kind          `json:"kind"`
	Camera string        `json:"camera"`
	Every  time.Duration `json:"every,omitempty"`
	Began  time.Time     `json:"began"`
	Until  time.Time     `json:"until,omitzero"` // zero = until it is stopped
	// Claim is who asked, and where. It is authorized again before anything is
	// said: whoever was taken off the list gets nothing more.
	Claim   bot.Claim     `json:"claim"`
	Message bot.MessageID `json:"message,omitempty"` // the one that asked
	// Stopped is when it was told to stop; what a timelapse has is still made a
	// clip of.
	Stopped time.Time `json:"stopped,omitzero"`
}

// Studio keeps the jobs that outlive a call. A job is a folder with its plan: it
// survives the daemon, and goes on with the next one. What a job says has a slot
// of its own, so that nothing is posted twice. It is safe for concurrent use; its
// fields are set before Run and not changed.
type Studio struct {
	Cameras *Set
	// Dir is a folder of our own, for the jobs.
	Dir string
	// Spool makes the files that are posted.
	Spool interface {
		Create(ext string) (*os.File, error)
		// Release removes a file unless a post waits with it.
		Release(ctx context.Context, path string)
	}
	// Put brings a delivery under way.
	Put func(ctx context.Context, d bot.Delivery) error
	// Limits are what can be shown in a thread.
	Limits func(bot.Thread) bot.Limits
	// Authorize is the allowlist's word on a claim, now.
	Authorize func(bot.Claim) (bot.Principal, error)
	// Role is what whoever asked has to have still.
	Role   bot.Role
	Logger *slog.Logger

	mu   sync.Mutex
	ctx  context.Context // set by Run; jobs run under it
	jobs map[string]*job
	all  sync.WaitGroup
}

// job is a plan that is being carried out. The studio's lock guards its Claim,
// Message and Stopped.
type job struct {
	Plan
	s      *Studio
	dir    string
	cancel context.CancelFunc // ends it for good
	stop   chan struct{}      // closed: no more pictures, finish
	once   sync.Once
}

// Run is to be called once. It goes on with the jobs that an earlier daemon has left, and carries out
// all until ctx ends.
func (s *Studio) Run(ctx context.Context) error {
	s.mu.Lock()
	if err := os.MkdirAll(s.Dir, 0o700); err != nil {
		s.mu.Unlock()
		return fmt.Errorf("make the folder of camera jobs: %w", err)
	}
	entries, err := os.ReadDir(s.Dir)
	if err != nil {
		s.mu.Unlock()
		return fmt.Errorf("read camera jobs: %w", err)
	}
	s.ctx, s.jobs = ctx, map[string]*job{}
	for _, e := range entries {
		p, err := readPlan(filepath.Join(s.Dir, e.Name()))
		if err != nil || p.ID != e.Name() {
			// It never began: the plan is the first that is written.
			s.Logger.Warn("remove a camera job without a plan", "job", e.Name(), "err", err)
			os.RemoveAll(filepath.Join(s.Dir, e.Name()))
			continue
		}
		s.start(p)
	}
	s.mu.Unlock()
	<-ctx.Done()
	s.all.Wait()
	return nil
}

// planName is the file of a job's plan.
const planName = "plan.json"

func readPlan(dir string) (p Plan, err error) {
	text, err := os.ReadFile(filepath.Join(dir, planName))
	if err == nil {
		err = json.Unmarshal(text, &p)
	}
	return p, err
}

// save writes a plan so that it is there whole, or as it was.
func (p Plan) save(dir string) error {
	text, err := json.Marshal(p)
	if err != nil {
		return err
	}
	return replace(filepath.Join(dir, planName), text)
}

// replace writes a file beside, synced, and puts it in its place.
func replace(path string, content []byte) error {
	f, err := os.OpenFile(path+".new", os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(content)
	if err = errors.Join(err, f.Sync(), f.Close()); err == nil {
		err = os.Rename(path+".new", path)
	}
	if err != nil {
		os.Remove(path + ".new")
	}
	return err
}

// Begin records a job and starts it. The plan's ID is one that no job ever had.
// Errors for the person are *bot.UserError.
func (s *Studio) Begin(p Plan) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ctx != nil && s.ctx.Err() != nil {
		return bot.Userf("I am just ending. Try again in a moment.")
	}
	if len(s.jobs) >= maxJobs {
		return bot.Userf("%d camera jobs are going on, which is the most. Stop one of them.", maxJobs)
	}
	dir := filepath.Join(s.Dir, p.ID)
	if err := errors.Join(os.MkdirAll(s.Dir, 0o700), os.Mkdir(dir, 0o700)); err != nil {
		return fmt.Errorf("make camera job %s: %w", p.ID, err)
	}
	if err := p.save(dir); err != nil {
		os.RemoveAll(dir)
		return fmt.Errorf("write camera job %s: %w", p.ID, err)
	}
	if s.ctx != nil { // else Run finds it
		s.start(p)
	}
	return nil
}

// start runs a job in the background; s.mu is held.
func (s *Studio) start(p Plan) {
	ctx, cancel := context.WithCancel(s.ctx)
	j := &job{Plan: p, s: s, dir: filepath.Join(s.Dir, p.ID), cancel: cancel, stop: make(chan struct{})}
	if !p.Stopped.IsZero() {
		j.halt()
	}
	s.jobs[p.ID] = j
	s.all.Go(func() {
		defer cancel()
		err := j.run(ctx)
		log := s.Logger.With("job", p.ID, "kind", string(p.Kind), "camera", p.Camera)
		if ctx.Err() != nil && s.ctx.Err() != nil {
			return // the daemon ends: the next one goes on with it
		}
		if err != nil {
			log.Error("carry out a camera job", "err", err)
		}
		if err := os.RemoveAll(j.dir); err != nil {
			log.Error("remove a camera job", "err", err)
		}
		s.mu.Lock()
		delete(s.jobs, p.ID)
		s.mu.Unlock()
	})
}

func (j *job) halt() { j.once.Do(func() { close(j.stop) }) }

func (j *job) halted() bool {
	select {
	case <-j.stop:
		return true
	default:
		return false
	}
}

func (j *job) run(ctx context.Context) error {
	switch j.Kind {
	case Timelapse:
		return j.timelapse(ctx)
	case Watch:
		return j.watch(ctx)
	case Motion:
		return j.motion(ctx)
	default:
		return fmt.Errorf("there is no job of the kind %q", j.Kind)
	}
}

// List is the jobs of a kind that the principal may see: those of this chat,
// oldest first.
func (s *Studio) List(p bot.Principal, kind Kind) []Plan {
	s.mu.Lock()
	defer s.mu.Unlock()
	var plans []Plan
	for _, j := range s.jobs {
		if j.Kind == kind && j.Claim.Thread.Room() == p.Thread().Room() {
			plans = append(plans, j.Plan)
		}
	}
	slices.SortFunc(plans, func(a, b Plan) int { return a.Began.Compare(b.Began) })
	return plans
}

// Guarded reports whether a camera is watched for motion, from whichever chat.
func (s *Studio) Guarded(camera string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, j := range s.jobs {
		if j.Kind == Motion && j.Camera == camera && j.Stopped.IsZero() {
			return true
		}
	}
	return false
}

// Stop ends a job: the one with that number, or of that camera, or the only one
// there is. People stop their own, operators those of others too.
func (s *Studio) Stop(p bot.Principal, kind Kind, ref string) (Plan, error) {
	var mine []Plan
	for _, plan := range s.List(p, kind) {
		if ref == "" || plan.ID == ref || strings.EqualFold(plan.Camera, ref) {
			mine = append(mine, plan)
		}
	}
	switch {
	case len(mine) == 0 && ref == "":
		return Plan{}, bot.Userf("There is no %s going on here.", kind)
	case len(mine) == 0:
		return Plan{}, bot.Userf("There is no %s %.40q here.", kind, ref)
	case len(mine) > 1:
		return Plan{}, bot.Userf("There are %d; say which one. /%s list shows their numbers.", len(mine), kind)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	j := s.jobs[mine[0].ID]
	switch {
	case j == nil:
		return Plan{}, bot.Userf("It has just ended.")
	case j.Claim.Account != p.Account() && !p.May(bot.Operator):
		return Plan{}, bot.Userf("It was started by somebody else; that takes the role operator.")
	}
	stopped := j.Plan
	stopped.Stopped = time.Now()
	if err := stopped.save(j.dir); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return Plan{}, fmt.Errorf("note the end of camera job %s: %w", j.ID, err)
	}
	j.Stopped = stopped.Stopped
	j.halt()
	return stopped, nil
}

// Follow takes the jobs of a chat along when it gets a new id.
func (s *Studio) Follow(m bot.Move) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	entries, err := os.ReadDir(s.Dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("read camera jobs: %w", err)
	}
	for _, e := range entries {
		dir := filepath.Join(s.Dir, e.Name())
		p, err := readPlan(dir)
		if err != nil || p.Claim.Thread.Room() != m.From.Room() {
			continue // without a plan it never began
		}
		// The message that asked has another number there, or none.
		p.Claim.Thread.Adapter, p.Claim.Thread.Chat, p.Message = m.To.Adapter, m.To.Chat, ""
		if err := p.save(dir); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("move camera job %s: %w", p.ID, err)
		}
		if j := s.jobs[p.ID]; j != nil {
			j.Claim, j.Message = p.Claim, p.Message
		}
	}
	return nil
}

// may reports whether whoever asked for the job may still have its pictures.
func (j *job) may() bool {
	claim, _ := j.asked()
	p, err := j.s.Authorize(claim)
	return err == nil && p.May(j.s.Role)
}

// asked is who asked for the job and where, and with which message.
func (j *job) asked() (bot.Claim, bot.MessageID) {
	j.s.mu.Lock()
	defer j.s.mu.Unlock()
	return j.Claim, j.Message
}

// limits are what can be shown where the job's pictures go.
func (j *job) limits() bot.Limits {
	claim, _ := j.asked()
	return j.s.Limits(claim.Thread)
}

// slot is the place of what the job says.
func (j *job) slot(what string) bot.Slot { return bot.Slot("camera/" + j.ID + "/" + what) }

// say puts a post of the job.
func (j *job) say(ctx context.Context, what string, post bot.Post, final bool) error {
	claim, message := j.asked()
	return j.s.Put(ctx, bot.Delivery{Thread: claim.Thread, Slot: j.slot(what), Post: post, ReplyTo: message, Final: final})
}

// spooled is a picture as the media of a post.
func (s *Studio) spooled(p Picture, name string) (*bot.Media, error) {
	f, err := s.Spool.Create(p.Kind)
	if err != nil {
		return nil, err
	}
	_, err = f.Write(p.Data)
	if err = errors.Join(err, f.Close()); err != nil {
		os.Remove(f.Name())
		return nil, fmt.Errorf("write a picture: %w", err)
	}
	return &bot.Media{Kind: bot.Picture, Name: name + "-" + p.At.Format("150405") + p.Kind, Path: f.Name(), Own: true}, nil
}

// stamped is a take as the media of a post that tells when it was made.
func (t Take) stamped(name string) *bot.Media {
	m := t.media(name + "-" + time.Now().Format("150405"))
	return &m
}

// media is a take as the media of a post. The name gets its extension.
func (t Take) media(name string) bot.Media {
	m := bot.Media{Kind: t.Kind, Name: name, Path: t.Path, Own: true}
	if m.Kind == bot.Video {
		m.Name += ".mp4"
		m.Width, m.Height, m.Duration = t.Width, t.Height, t.Length
	} else {
		m.Name += ".jpg"
	}
	return m
}

// Photo is a picture of a camera, ready to be posted.
func (s *Studio) Photo(ctx context.Context, c *Camera) (bot.Post, error) {
	p, err := c.Still(ctx)
	if err != nil {
		return bot.Post{}, err
	}
	m, err := s.spooled(p, c.Name)
	if err != nil {
		return bot.Post{}, noSpace(err)
	}
	return bot.Post{Text: caption(c.Name, p.At), Media: m}, nil
}

// Clip is a clip of a camera, ready to be posted in the thread: it fits there.
func (s *Studio) Clip(ctx context.Context, c *Camera, th bot.Thread, length time.Duration, fps int) (bot.Post, error) {
	f, err := s.Spool.Create(".mp4")
	if err != nil {
		return bot.Post{}, noSpace(err)
	}
	f.Close()
	began := time.Now()
	t, err := c.Clip(ctx, ClipOptions{Length: length, FPS: fps, Limit: s.Limits(th).Upload, Path: f.Name()})
	if err != nil {
		os.Remove(f.Name())
		return bot.Post{}, err
	}
	return bot.Post{Text: append(caption(c.Name, began), note(t)...), Media: t.stamped(c.Name)}, nil
}

// caption names a camera and a time of day.
func caption(name string, at time.Time) []bot.Span {
	return []bot.Span{{Style: bot.Bold, Text: name}, {Text: " · " + at.Format("15:04:05")}}
}

func note(t Take) []bot.Span {
	if t.Note == "" {
		return nil
	}
	return []bot.Span{{Text: "\n"}, {Style: bot.Italic, Text: t.Note}}
}

// noSpace is an error of the disk in words.
func noSpace(err error) error {
	return &bot.UserError{Text: "The picture could not be written: " + reason(err) + ".", Err: err}
}

func reason(err error) string {
	var on *fs.PathError
	if errors.As(err, &on) {
		return on.Err.Error()
	}
	return err.Error()
}
