// Package console is the terminal as a chat: lines that are typed become
// messages of the local user, and what is said is printed. It is in charge of
// the screen (a prompt that stays whole while output streams past it), of the
// line being typed, and of Ctrl-C. It does not know what a line means.
//
// Two forms: at a terminal it shows a prompt, edits the line (arrows, history)
// and styles text. Otherwise it reads lines up to the end of its input and
// prints without any control sequences of its own.
package console

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"chapi/bot"
)

// name is the adapter's.
const name = "console"

// Local is the console's only thread.
var Local = bot.Thread{Adapter: name, Chat: "local"}

// Account is the local user's: the one that this process runs as.
func Account() bot.Account {
	return bot.Account{Adapter: name, User: bot.UserID(strconv.Itoa(os.Getuid()))}
}

// Config is how a Console is made. In and Out are required.
type Config struct {
	// In is where lines come from. It is not closed, its flags are not
	// changed, and a terminal's settings are put back when Run returns.
	In *os.File
	// Out is printed to. A Write that blocks (Ctrl-S, a pipe that nobody
	// reads) holds up Send and the end of Run.
	Out io.Writer
	// Terminal says that both are the same terminal, with a person before it.
	Terminal bool
	// User is how the person is called.
	User string
	// Files is the folder that pictures and other files that are not text are
	// saved in; empty means that they are only named.
	Files string
	// Logger may be nil. At a terminal it had better write to Console.Log.
	Logger *slog.Logger
	// Interrupts is where Ctrl-C arrives; nil at a terminal means that Run
	// listens for SIGINT itself, until it quits.
	Interrupts <-chan os.Signal
	// Interrupt is called at Ctrl-C with no line being typed, and returns
	// whether there was something to interrupt. If not, or nil, the console
	// quits.
	Interrupt func(context.Context) (handled bool)
	// EndInput is the same for Ctrl-D on an empty line.
	EndInput func(context.Context) (handled bool)
	// Ready is called before each line of an input that is not a terminal, and
	// returns when the line may be taken: a script's lines follow each other.
	Ready func(ctx context.Context, line string)
	// OnEOF is called once when input that is not a terminal has ended. Run
	// goes on until its context ends, so that answers are still printed.
	OnEOF func()
	// OnQuit is called once when the person wants to leave, or when nothing
	// can be printed any more. It must not block; Run returns when its context
	// ends.
	OnQuit func()
}

// Console is an adapter for one person at one terminal. Send may be called
// before, during and after Run; Run only once.
type Console struct {
	cfg    Config
	log    *slog.Logger
	run    string       // random: makes keys and ids differ from every other run's
	count  atomic.Int64 // of messages, in both directions
	screen *screen
	quit   sync.Once
	state  atomic.Pointer[string]

	mu       sync.Mutex
	question question // the newest that is not answered
}

// New makes a Console. It starts nothing.
func New(cfg Config) *Console {
	c := &Console{cfg: cfg, log: cfg.Logger, run: bot.NewHandle()}
	if c.log == nil {
		c.log = slog.New(slog.DiscardHandler)
	}
	c.screen = newScreen(cfg.Out, cfg.Terminal, func() int { return columns(cfg.In) })
	c.setState("not started")
	return c
}

// Name is "console".
func (c *Console) Name() string { return name }

// Limits are hardly any: output streams, and questions are answered by number.
func (c *Console) Limits(bot.Thread) bot.Limits {
	const plenty = 1 << 20
	return bot.Limits{
		Text:    plenty,
		Caption: plenty,
		Lines:   plenty,
		Pages:   1,
		Upload:  1 << 40,
		Photo:   1 << 40,
		Stream:  true,
		// What runs in front of a person at a terminal has their keyboard.
		Foreground: c.cfg.Terminal,
	}
}

// Direct is the one thread there is.
func (c *Console) Direct(bot.UserID) bot.Thread { return Local }

// Health tells whether lines are being read.
func (c *Console) Health() bot.Health {
	h := bot.Health{Name: name, State: *c.state.Load()}
	if h.OK = c.screen.failure() == nil; h.OK {
		h.Contact = time.Now()
	} else {
		h.State = "nobody is reading the output"
	}
	return h
}

func (c *Console) setState(s string) { c.state.Store(&s) }

// Log is a writer for whole lines, such as a log's, that go between what is
// said without garbling the prompt. It never fails.
func (c *Console) Log() io.Writer { return lineWriter{c.screen} }

type lineWriter struct{ screen *screen }

func (w lineWriter) Write(p []byte) (int, error) {
	_ = w.screen.lines(string(p)) // there is nowhere to report it
	return len(p), nil
}

// nextID is a message's id in the console's chat. Ids of other runs differ, as
// what is remembered of those is tied to theirs.
func (c *Console) nextID() bot.MessageID {
	return bot.MessageID(fmt.Sprintf("%s.%d", c.run, c.count.Add(1)))
}

// Send prints a post. Nothing is ever edited: a new revision is printed anew.
// When the output is gone (a closed pipe) the chat is, and the console quits.
func (c *Console) Send(ctx context.Context, out bot.Outgoing) (bot.Receipt, error) {
	if err := ctx.Err(); err != nil {
		return bot.Receipt{}, &bot.SendError{Outcome: bot.NotSent, Err: err}
	}
	id := out.Target
	if id == "" {
		id = c.nextID()
	}
	if err := c.print(out, id); err != nil {
		if c.screen.failure() == nil {
			return bot.Receipt{}, &bot.SendError{Outcome: bot.RefusedSend, Err: err}
		}
		c.leave("output is gone")
		return bot.Receipt{}, &bot.SendError{Outcome: bot.RefusedSend, Reason: bot.ChatGone, Err: err}
	}
	return bot.Receipt{Message: id, At: time.Now()}, nil
}

// print puts a post on the screen: raw output as it is, all else as text.
func (c *Console) print(out bot.Outgoing, id bot.MessageID) error {
	if out.Post.Output != nil {
		if out.File == nil {
			return nil
		}
		return c.stream(*out.Post.Output, out.File)
	}
	text := styled(out.Post.Text, c.cfg.Terminal)
	asked := c.ask(out.Post.Keyboard, id)
	if out.Post.Media != nil && out.File != nil {
		// Its text is a caption: it goes first, and a question last.
		if text != "" {
			if err := c.screen.lines(text); err != nil {
				return err
			}
		}
		note, err := c.media(*out.Post.Media, out.File)
		if err != nil {
			return err
		}
		text = note
	}
	if text = joinLines(text, asked); text == "" {
		return nil
	}
	return c.screen.lines(text)
}

// stream prints a file's bytes as they are.
func (c *Console) stream(output bot.OutputRef, file *bot.Content) error {
	f, err := os.Open(file.Path)
	if err != nil {
		return err
	}
	defer f.Close()
	return c.screen.raw(output, io.LimitReader(f, file.Size))
}

// joinLines puts texts below each other, leaving out empty ones.
func joinLines(texts ...string) string {
	var all []string
	for _, t := range texts {
		if t != "" {
			all = append(all, strings.TrimSuffix(t, "\n"))
		}
	}
	return strings.Join(all, "\n")
}

// leave asks the daemon to quit, once.
func (c *Console) leave(why string) {
	c.quit.Do(func() {
		c.setState("closed: " + why)
		c.log.Debug("console quits", "why", why)
		if c.cfg.OnQuit != nil {
			c.cfg.OnQuit()
		}
	})
}
