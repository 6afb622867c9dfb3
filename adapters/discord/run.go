package discord

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/bwmarrin/discordgo"

	"chapi/bot"
)

// maxAbandoned is how many hanging library sessions are put up with before a
// new process is the better answer: each keeps its memory.
const maxAbandoned = 5

// historians read histories at the same time.
const historians = 4

// Run implements bot.Adapter. It does not give up for anything that the
// network or a person may mend: a refused token, missing intents and a lost
// network are told by Health and tried again. It returns an error only when
// the library hangs again and again.
func (a *Adapter) Run(ctx context.Context, in bot.Inbox) error {
	unlock, err := a.lock(ctx)
	if err != nil {
		return fmt.Errorf("discord: %w", err)
	}
	defer unlock()
	defer a.client.closeIdle()
	defer a.standing.set(true, "stopped")

	place, ok := a.startingPlace(ctx, in)
	if !ok {
		return nil
	}
	a.intake.begin(place)
	for _, id := range slices.Sorted(maps.Keys(place.asked)) {
		a.intake.add(a.left(id, place.asked[id]), false)
	}
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	// Interactions that were accepted last still get their last word, for a
	// moment.
	saying, stopSaying := context.WithCancel(context.WithoutCancel(ctx))
	defer stopSaying()
	a.acking.begin(ctx)
	var helpers sync.WaitGroup
	helpers.Go(func() { a.receive(ctx, saying, in) })
	for range historians {
		helpers.Go(func() { a.readHistories(ctx) })
	}
	helpers.Go(func() { a.review(ctx) })
	helpers.Go(func() { a.publishLate(ctx) })
	err = a.listen(ctx)
	stop()
	grace := time.AfterFunc(sayGrace, stopSaying)
	defer grace.Stop()
	helpers.Wait()
	a.acking.finish()
	return err
}

// sayGrace is for the last words when the adapter stops.
const sayGrace = 2 * time.Second

func (k *acking) begin(ctx context.Context) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.ctx = ctx
}

// finish waits for the first answers on their way, and lets no other begin.
func (k *acking) finish() {
	k.mu.Lock()
	k.ctx = nil
	k.mu.Unlock()
	k.helper.Wait()
}

// startingPlace reads where an earlier run stopped. ok is false when ctx ended
// first.
func (a *Adapter) startingPlace(ctx context.Context, in bot.Inbox) (at cursor, ok bool) {
	wait := a.backoff()
	for {
		text, err := in.Cursor(ctx, Name)
		if err == nil {
			at, known := parseCursor(text, a.botID)
			if !known && text != "" {
				a.log.Warn("the record of where it stopped is another bot's, or cannot be read: starting afresh")
			}
			return at, true
		}
		if a.standing.set(false, "cannot read where it stopped: "+err.Error()) {
			a.log.Error("read cursor", "err", err)
		}
		if !sleep(ctx, wait.next()) {
			return cursor{}, false
		}
	}
}

// listen keeps a line to the gateway open until ctx ends.
func (a *Adapter) listen(ctx context.Context) error {
	wait, abandoned := a.backoff(), 0
	var l *line
	defer func() {
		if l != nil {
			l.close()
		}
	}()
	for ctx.Err() == nil {
		if l == nil {
			next, pause, err := a.ready(ctx)
			if err != nil {
				sleep(ctx, max(pause, wait.after(pause)))
				continue
			}
			l = next
		}
		err := l.open(ctx)
		switch {
		case ctx.Err() != nil:
			if errors.Is(err, errAbandoned) {
				l = nil
			}
			return nil
		case err == nil:
			since := time.Now()
			if !a.stay(ctx, l) {
				return nil
			}
			if time.Since(since) > a.timing.Open {
				wait.reset()
			}
			if !a.afterLoss(l) {
				l.close()
				l = nil
			}
		case errors.Is(err, errAbandoned):
			l = nil
			if abandoned++; abandoned >= maxAbandoned {
				return fmt.Errorf("discord: %w, %d times", err, abandoned)
			}
			a.log.Error("the library hangs; starting a new session", "err", err, "times", abandoned)
		default:
			pause, again := a.after(err)
			if !again || !l.known.Load() {
				l.close()
				l = nil
			}
			if !sleep(ctx, max(pause, wait.after(pause))) {
				return nil
			}
			continue
		}
		if !sleep(ctx, wait.next()) {
			return nil
		}
	}
	return nil
}

// stay waits while a line is open. It returns false when ctx ended. A server
// that acknowledges heartbeats and says nothing else is left.
func (a *Adapter) stay(ctx context.Context, l *line) bool {
	greeting := time.NewTimer(a.timing.Open)
	defer greeting.Stop()
	for {
		select {
		case <-greeting.C:
			if !l.greeted.Load() {
				a.log.Warn("connected, but not greeted by the gateway")
				l.cut()
			}
		case <-l.anew:
			a.spend()
		case <-l.down:
			return true
		case <-ctx.Done():
			return false
		}
	}
}

// afterLoss tells that an open line was lost, and whether it can be opened
// again.
func (a *Adapter) afterLoss(l *line) (again bool) {
	if a.standing.lost("no gateway") {
		a.log.Info("the gateway was lost; resuming")
	}
	if !l.stormy() {
		return l.known.Load()
	}
	a.log.Error("the gateway refuses session after session; starting afresh")
	for range stormWrites / 2 { // about as many identifications
		a.spend()
	}
	return false
}

// spend counts an identification.
func (a *Adapter) spend() {
	if err := a.budget.spend(time.Now()); err != nil {
		a.log.Warn("the times of identifications are only kept in memory", "err", err)
	}
}

// after tells what a failure to open means, how long to wait at least, and
// whether the line can be opened again.
func (a *Adapter) after(err error) (pause time.Duration, again bool) {
	err = a.client.clean(err)
	code := closeCode(err)
	if text := verdict(code); text != "" {
		if code == closeForbidden {
			a.refuseContent()
		}
		if a.standing.set(false, text) {
			a.log.Error("the gateway refuses", "state", text)
		}
		if code == closeForbidden {
			return 0, false // at once without what was refused
		}
		return a.timing.Refused, false
	}
	if a.standing.lost(outageOf(err)) {
		a.log.Warn("open the gateway", "err", err)
	}
	switch code {
	case closeBadSequence, closeTimedOut:
		return 0, false // the session is over
	}
	return 0, true
}

// outageOf names what keeps the server from being reached.
func outageOf(err error) string {
	var cert x509.CertificateInvalidError
	switch {
	case errors.As(err, &cert) && cert.Reason == x509.Expired:
		// Also what a certificate "not yet valid" is reported as: a Pi without
		// a battery clock thinks it is years ago until it has asked the network.
		return "certificate refused (is this machine's clock right?)"
	case status(err) != 0:
		return "discord is out of order (status " + strconv.Itoa(status(err)) + ")"
	case closeCode(err) != 0:
		return "discord closes the gateway (code " + strconv.Itoa(closeCode(err)) + ")"
	case errors.Is(err, errSlow):
		return "discord does not answer"
	default:
		return "no network"
	}
}

// identity is what the server says of the bot.
type identity struct {
	username    string
	application snowflake
	content     bool // may read people's texts
	public      bool // anybody can invite it
}

// Flags of an application: that it may read people's texts, for big bots and
// for small ones (docs.discord.com/developers/resources/application).
const (
	flagContent      = 1 << 18
	flagContentSmall = 1 << 19
)

// application is the id of the bot's application.
func (a *Adapter) application() snowflake {
	if id, ok := parseSnowflake(a.cfg.ApplicationID); ok {
		return id
	}
	if me := a.me.Load(); me != nil {
		return me.application
	}
	return a.botID // true of all bots made since 2016
}

// introduced waits until the server has said who the bot is.
func (a *Adapter) introduced(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, scopeTime)
	defer cancel()
	select {
	case <-a.named:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("the bot's account is not known yet: %w", ctx.Err())
	}
}

// ready asks the server what has to be known before an identification, waits
// until there may be one, and makes a line for it.
func (a *Adapter) ready(ctx context.Context) (l *line, pause time.Duration, err error) {
	me, err := a.introduce(ctx)
	if err != nil {
		return nil, a.unready(err), err
	}
	var gate struct {
		Start struct {
			Left  *int  `json:"remaining"`
			After int64 `json:"reset_after"` // ms
		} `json:"session_start_limit"`
	}
	if err := a.client.call(ctx, request{method: "GET", route: "gateway/bot"}, &gate); err != nil {
		return nil, a.unready(err), err
	}
	// The last ones are left for a person who mends what uses them up.
	if left := gate.Start.Left; left != nil && *left < startsKept {
		wait := max(time.Duration(gate.Start.After)*time.Millisecond, a.timing.RetryMin)
		a.say(fmt.Sprintf("identified too often: %d starts left until %s; something restarts chapi or loses its gateway again and again", *left, clockTime(time.Now().Add(wait))))
		return nil, wait, errors.New("too few session starts left")
	}
	if wait := a.budget.wait(time.Now()); wait > 0 {
		if wait > time.Minute {
			a.say(fmt.Sprintf("identified often of late; waiting until %s so as not to lose the token", clockTime(time.Now().Add(wait))))
		}
		if !sleep(ctx, wait) {
			return nil, 0, ctx.Err()
		}
	}
	intents := discordgo.IntentsGuilds | discordgo.IntentsGuildMessages | discordgo.IntentsDirectMessages
	if me.content {
		intents |= discordgo.IntentMessageContent
	}
	a.spend()
	l, err = a.newLine(ctx, intents)
	return l, 0, err
}

// startsKept is how many identifications of the day are never used.
const startsKept = 50

// unready tells why there is no identification yet, and returns how long to
// wait at least.
func (a *Adapter) unready(err error) time.Duration {
	switch {
	case errors.Is(err, context.Canceled):
		return 0
	case status(err) == http.StatusUnauthorized:
		a.say(tokenRefused)
		return a.timing.Refused
	case status(err) == http.StatusTooManyRequests:
		a.say(fmt.Sprintf("asked by discord to wait %v", retryAfter(err).Round(time.Second)))
		return retryAfter(err)
	}
	if a.standing.lost(outageOf(err)) {
		a.log.Warn("no contact", "err", err)
	}
	return 0
}

func (a *Adapter) say(state string) {
	if a.standing.set(false, state) {
		a.log.Error("not listening", "state", state)
	}
}

const contentAdvice = "texts without a mention do not arrive in channels: switch on Message Content Intent (developer portal, Bot page)"

// introduce asks the server who the bot is and what it may be told.
func (a *Adapter) introduce(ctx context.Context) (*identity, error) {
	var user account
	if err := a.client.call(ctx, request{method: "GET", route: "users/@me"}, &user); err != nil {
		return nil, err
	}
	var app applicationInfo
	if err := a.client.call(ctx, request{method: "GET", route: "applications/@me"}, &app); err != nil {
		return nil, err
	}
	if user.ID != a.botID {
		a.log.Error("the server gives another id than the token", "id", user.ID.String())
	}
	me := &identity{username: user.Name, application: app.ID, content: app.Flags&(flagContent|flagContentSmall) != 0 && !a.contentRefused(), public: app.Public}
	if me.application == 0 {
		me.application = a.botID
	}
	if old := a.me.Swap(me); old == nil {
		close(a.named)
		a.log.Info("this is the bot", "username", me.username, "application", me.application.String(), "message_content", me.content)
	} else if *old == *me {
		return me, nil
	}
	if me.content {
		a.standing.advise("content", "")
	} else if a.standing.advise("content", contentAdvice) {
		a.log.Warn(contentAdvice)
	}
	if me.public {
		a.log.Warn("anybody can invite this bot to their server: switch off Public Bot (developer portal, Bot page)")
	}
	return me, nil
}

// contentRetry is when people's texts are asked for again after the gateway has
// refused them.
const contentRetry = time.Hour

// refuseContent goes on without people's texts when the gateway says that they
// are not for this bot, whatever the application's flags are.
func (a *Adapter) refuseContent() {
	now := time.Now()
	a.refusedContent.Store(&now)
}

func (a *Adapter) contentRefused() bool {
	at := a.refusedContent.Load()
	return at != nil && time.Since(*at) < contentRetry
}

// backoff is a pause that doubles, give or take a fifth, so that many devices
// do not come back in step.
type backoff struct {
	min, max time.Duration
	last     time.Duration
}

func (a *Adapter) backoff() backoff {
	return backoff{min: a.timing.RetryMin, max: a.timing.RetryMax}
}

func (b *backoff) reset() { b.last = 0 }

func (b *backoff) next() time.Duration {
	b.last = max(b.min, min(b.last*2, b.max))
	return time.Duration(float64(b.last) * (0.8 + 0.4*rand.Float64()))
}

// after is the next pause, but none beside one that was asked for.
func (b *backoff) after(asked time.Duration) time.Duration {
	if asked > 0 {
		return 0
	}
	return b.next()
}
