package console

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"sync"
	"syscall"
	"time"

	"chapi/bot"
)

const (
	// readSize is how much is read at once.
	readSize = 4 << 10
	// impatience is how long after an interruption another Ctrl-C cannot quit:
	// it was meant for a program that was just ending.
	impatience = time.Second
	// firstRetry and lastRetry are the pauses before a line that could not be
	// recorded is offered again.
	firstRetry = 100 * time.Millisecond
	lastRetry  = 10 * time.Second
)

// Run reads lines and hands them to in, until ctx ends. At the end of the
// input it goes on waiting for that.
func (c *Console) Run(ctx context.Context, in bot.Inbox) error {
	reading, stop := context.WithCancel(ctx)
	defer stop()
	signals := c.catch()
	defer signals.release()
	keys, err := newSource(reading, c.cfg.In)
	if err != nil {
		return fmt.Errorf("console: %w", err)
	}
	defer keys.close()
	back := func() {}
	if c.cfg.Terminal {
		if back, err = typeKeys(c.cfg.In); err != nil {
			return fmt.Errorf("console: %w", err)
		}
	}
	var listening sync.WaitGroup
	listening.Go(func() {
		c.listen(reading, signals)
		stop()
	})

	c.setState("reading")
	c.screen.open()
	err = c.read(ctx, keys, in)
	stop()
	// The settings first: the screen may be blocked, and from here on another
	// Ctrl-C ends the process.
	back()
	signal.Stop(signals.own)
	c.screen.close()
	listening.Wait()
	if err != nil {
		return fmt.Errorf("console: %w", err)
	}
	<-ctx.Done()
	return nil
}

// read takes lines until the input ends, the person quits, or ctx ends.
func (c *Console) read(ctx context.Context, keys *source, in bot.Inbox) error {
	var lines splitter
	p := make([]byte, readSize)
	for {
		n, err := keys.read(p)
		switch {
		case errors.Is(err, context.Canceled):
			return nil
		case errors.Is(err, io.EOF):
			for _, e := range lines.rest() {
				c.take(ctx, e, in)
			}
			c.ended()
			return nil
		case err != nil:
			return fmt.Errorf("read: %w", err)
		}
		entries := lines.feed
		if c.cfg.Terminal {
			entries = c.screen.typed
		}
		for _, e := range entries(p[:n]) {
			if goOn := c.take(ctx, e, in); !goOn {
				return nil
			}
		}
	}
}

// ended says that no more lines will come.
func (c *Console) ended() {
	if c.cfg.Terminal {
		c.leave("the terminal is gone")
		return
	}
	c.setState("input has ended")
	if c.cfg.OnEOF != nil {
		c.cfg.OnEOF()
	}
}

// take does what an entry asks for. It returns false when reading is over.
func (c *Console) take(ctx context.Context, e entry, in bot.Inbox) (goOn bool) {
	switch {
	case e.end:
		if c.cfg.EndInput != nil && c.cfg.EndInput(ctx) {
			return true
		}
		c.leave("end of input")
		return false
	case e.long:
		c.tell("that line is longer than 1 MiB and was not taken")
	default:
		if c.cfg.Ready != nil && !c.cfg.Terminal {
			c.cfg.Ready(ctx, e.text)
		}
		c.offer(ctx, c.message(e.text), in)
	}
	return ctx.Err() == nil
}

// message is a line as a message, or as the press of a button.
func (c *Console) message(line string) bot.Message {
	id := c.nextID()
	m := bot.Message{
		Claim: bot.Claim{
			Account: Account(),
			Name:    c.cfg.User,
			Thread:  Local,
			Direct:  true,
		},
		Key:       name + "/" + strings.Replace(string(id), ".", "/", 1),
		ID:        id,
		Addressed: true,
	}
	if data, question, ok := c.answer(line); ok {
		m.Button, m.ID = data, question
	} else {
		m.Text = strings.ToValidUTF8(line, "\uFFFD")
	}
	return m
}

// offer hands a message over until it is recorded. A person is told that it
// was not, and can do it again; lines of a script wait for better times.
func (c *Console) offer(ctx context.Context, m bot.Message, in bot.Inbox) {
	pause := firstRetry
	for {
		acks, err := in.Accept(ctx, bot.Batch{Adapter: name, Messages: []bot.Message{m}})
		if err == nil {
			for _, ack := range acks {
				if ack.Notice != "" {
					c.tell(ack.Notice)
				}
			}
			return
		}
		if ctx.Err() != nil {
			return
		}
		c.log.Warn("message not recorded", "key", m.Key, "err", err)
		if c.cfg.Terminal {
			c.tell(fmt.Sprintf("that was not taken: %v", err))
			return
		}
		if pause == firstRetry {
			c.tell(fmt.Sprintf("waiting: %v", err))
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(pause):
		}
		pause = min(2*pause, lastRetry)
	}
}

// tell prints a line of the console's own.
func (c *Console) tell(text string) {
	if err := c.screen.lines(clean(text)); err != nil {
		c.leave("output is gone")
	}
}

// caught is the signals that a console takes care of.
type caught struct {
	interrupts <-chan os.Signal
	resumed    chan os.Signal // after the process was stopped
	own        chan os.Signal // those of interrupts that nobody else catches
	broken     chan os.Signal
}

// catch begins to catch signals, until they are released.
func (c *Console) catch() *caught {
	s := &caught{
		interrupts: c.cfg.Interrupts,
		resumed:    make(chan os.Signal, 1),
		own:        make(chan os.Signal, 1),
		broken:     make(chan os.Signal, 1),
	}
	// Without a listener, writing to a pipe that is closed would kill the
	// daemon instead of being an error.
	signal.Notify(s.broken, syscall.SIGPIPE)
	if !c.cfg.Terminal {
		return s
	}
	signal.Notify(s.resumed, syscall.SIGCONT)
	if s.interrupts == nil {
		signal.Notify(s.own, syscall.SIGINT)
		s.interrupts = s.own
	}
	return s
}

// release gives the signals back to whoever else catches them.
func (s *caught) release() {
	signal.Stop(s.resumed)
	signal.Stop(s.own)
	signal.Stop(s.broken)
}

// listen obeys signals until ctx ends or the console quits.
func (c *Console) listen(ctx context.Context, s *caught) {
	var handled time.Time
	for {
		select {
		case <-ctx.Done():
			return
		case <-s.resumed:
			// The shell has had the terminal meanwhile, with its own settings.
			// Those to go back to are known from the beginning.
			if _, err := typeKeys(c.cfg.In); err == nil {
				c.screen.redraw()
			}
		case <-s.interrupts:
			switch {
			case c.screen.discard():
			case c.cfg.Interrupt != nil && c.cfg.Interrupt(ctx):
				handled = time.Now()
			case time.Since(handled) > impatience:
				c.leave("interrupted")
				return
			}
		}
	}
}
