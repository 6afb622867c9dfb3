package daemon

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"math"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"chapi/bot"
	"chapi/bot/render"
	"chapi/commands"
	"chapi/commands/device"
	"chapi/storage"
)

// After a start of the machine that somebody has asked for, the chat where they
// did is told, once, and the card says why the machine was started.
func TestIAmBackIsSaidOnceAfterTheMachineCameBack(t *testing.T) {
	w := newWorld(t, t.TempDir(), terms{}, "telegram")
	w.extra = "device: {name: pi, reboot: [touch, went]}\n"
	w.up()
	w.speak("ann", "lab", "/reboot", manner{})
	pressesVerb(w, []string{"ann", "lab", "Restart now"})
	w.sees("lab", "that it goes down", contains("It goes down"))
	w.down()
	if _, err := os.Stat(filepath.Join(w.dir, "went")); err != nil {
		t.Fatal(err)
	}
	w.anotherBoot()
	for range 2 {
		w.up()
		back := w.sees("lab", "that it is back", matches(w, `^I am back, because ann asked for a reboot at \d\d:\d\d \(down \d+ s\)\.$`))
		if back.ReplyTo == 0 {
			t.Error("it is no answer to the one who asked")
		}
		w.settle()
		countVerb(w, []string{"lab", "1", "^I am back"})
		w.speak("ann", "ann", "/status", manner{})
		w.sees("ann", "why the machine was started", contains("last start: ann asked for a reboot at "))
		w.down()
	}
}

// anotherBoot makes what is on record be of another start of the machine than
// this one, as it is after a reboot. The daemon is down.
func (w *world) anotherBoot() {
	w.t.Helper()
	ctx := context.Background()
	db, err := storage.Open(ctx, filepath.Join(w.dir, "state"), storage.Options{})
	if err != nil {
		w.t.Fatal(err)
	}
	defer db.Close()
	for _, at := range [][2]string{{device.OrderScope, device.OrderName}, {bootScope, bootName}} {
		text, err := db.Setting(ctx, at[0], at[1])
		other := strings.ReplaceAll(text, (&device.Machine{}).BootID(), "another")
		if err != nil || text == other {
			w.t.Fatalf("%s names no start of the machine: %q, %v", at[1], text, err)
		}
		if err := db.Set(ctx, at[0], at[1], other); err != nil {
			w.t.Fatal(err)
		}
	}
}

func TestAPowerCutIsNamedByTheLastSample(t *testing.T) {
	db := openStore(t)
	alive := time.Now().Add(-3 * time.Hour).Truncate(time.Minute)
	ctx := t.Context()
	samples := []bot.Sample{{Series: device.Loads, At: alive, Value: 1}, {Series: "told-by-a-program", At: alive.Add(time.Hour), Value: 1}}
	last := boot{Started: alive.Add(-time.Hour), Machine: "another", Version: "1"}
	if err := errors.Join(db.Record(ctx, samples), last.save(ctx, db)); err != nil {
		t.Fatal(err)
	}
	m := &device.Machine{Root: t.TempDir()}
	now, why, err := begin(ctx, db, m, "1")
	if err != nil {
		t.Fatal(err)
	}
	if want := "power cut or crash at about " + alive.Format("15:04"); now.Woken != want && !strings.HasSuffix(now.Woken, alive.Format("15:04")) {
		t.Errorf("got %q, want %q", now.Woken, want)
	}
	if why != "the machine was restarted, or lost power" {
		t.Errorf("got %q", why)
	}
	// A restart of the daemon alone does not change the reason.
	again, _, err := begin(ctx, db, m, "1")
	if err != nil || again.Woken != now.Woken || !again.Alive.Equal(now.Alive) {
		t.Errorf("then %q, %v", again.Woken, err)
	}
}

func TestAnOrderThatTheMachineForgotIsTold(t *testing.T) {
	now := time.Now()
	o := device.Order{What: device.Poweroff, Person: "ann", At: now.Add(-3 * time.Hour)}
	if got := backAgain(o, now, now.Add(-time.Hour)); !strings.HasSuffix(got, "(off for 1 h 0 min).") || !strings.Contains(got, "ann had me powered off") {
		t.Errorf("got %q", got)
	}
	d, posted := chatting(t)
	o.Claim = bot.Claim{Account: bot.Account{Adapter: "net", User: "7"}, Thread: bot.Thread{Adapter: "net", Chat: "7"}, Direct: true}
	o.Boot, d.boot.Machine = "this", "this"
	text, err := json.Marshal(o)
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := errors.Join(d.store.Set(t.Context(), device.OrderScope, device.OrderName, string(text)), d.settleOrder(t.Context(), time.Now())); err != nil {
			t.Fatal(err)
		}
	}
	if sent := posted.wait(t, 1); !strings.Contains(sent[0].Post.String(), "still up: the poweroff that ann asked for") {
		t.Errorf("got %q", sent[0].Post)
	}
	o.At = time.Now()
	text, _ = json.Marshal(o)
	if err := errors.Join(d.store.Set(t.Context(), device.OrderScope, device.OrderName, string(text)), d.settleOrder(t.Context(), time.Now())); err != nil {
		t.Fatal(err)
	}
	if pending, _ := pendingOrder(t.Context(), d.store); pending == nil {
		t.Error("an order was forgotten while it may still be obeyed")
	}
}

func openStore(t testing.TB) *storage.DB {
	t.Helper()
	db, err := storage.Open(context.Background(), t.TempDir(), storage.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

// wire is a network that takes everything and remembers it.
type wire struct {
	mu     sync.Mutex
	sent   []bot.Outgoing
	pinned []bot.MessageID
	heard  chan struct{}
}

func (n *wire) Name() string                               { return "net" }
func (n *wire) Limits(bot.Thread) bot.Limits               { return bot.Limits{Text: 4096, Buttons: 3} }
func (n *wire) Run(ctx context.Context, _ bot.Inbox) error { <-ctx.Done(); return nil }
func (n *wire) note()                                      { n.heard <- struct{}{} }
func (n *wire) Pin(_ context.Context, _ bot.Thread, m bot.MessageID) error {
	n.mu.Lock()
	n.pinned = append(n.pinned, m)
	n.mu.Unlock()
	n.note()
	return errors.New("no right to pin")
}

func (n *wire) Send(_ context.Context, out bot.Outgoing) (bot.Receipt, error) {
	n.mu.Lock()
	n.sent = append(n.sent, out)
	m := out.Target
	if m == "" {
		m = bot.MessageID(string(rune('a' + len(n.sent))))
	}
	n.mu.Unlock()
	n.note()
	return bot.Receipt{Message: m, At: time.Now()}, nil
}

// wait waits until so many were sent, and returns them.
func (n *wire) wait(t *testing.T, count int) []bot.Outgoing {
	t.Helper()
	deadline := time.After(patience)
	for {
		n.mu.Lock()
		sent := append([]bot.Outgoing(nil), n.sent...)
		n.mu.Unlock()
		if len(sent) >= count {
			return sent
		}
		select {
		case <-n.heard:
		case <-deadline:
			t.Fatalf("%d were sent, want %d", len(sent), count)
		}
	}
}

// chatting is as much of a daemon as says something in a network. Ann may see
// all in her private chat.
func chatting(t *testing.T) (*daemon, *wire) {
	t.Helper()
	n := &wire{heard: make(chan struct{}, 100)}
	db := openStore(t)
	log := slog.New(slog.DiscardHandler)
	d := &daemon{store: db, log: log}
	d.deliver = &bot.Deliverer{Outbox: db, Ledger: db, Adapters: map[string]bot.Adapter{"net": n}, Masker: render.NewMasker(), Logger: log}
	policy := &bot.Policy{}
	policy.Set([]bot.Person{{Name: "ann", Role: bot.Owner, Accounts: []bot.Account{{Adapter: "net", User: "7"}}}}, nil)
	d.reception = &bot.Reception{Policy: policy}
	d.living = newLiving(d, policy)
	d.living.status = func(context.Context, bot.Principal, commands.Form) (bot.Post, error) {
		return bot.Plainf("all is well at %s", time.Now().Format(time.RFC3339Nano)), nil
	}
	d.deliver.Settled = d.living.Settled
	ps := newParts(log)
	ps.start(t.Context(), "deliver", false, d.deliver.Run)
	ps.start(t.Context(), "living", false, d.living.Run)
	t.Cleanup(func() { ps.stop(context.Background()) })
	return d, n
}

func TestALivingCardIsEditedPinnedOnceAndSilent(t *testing.T) {
	d, n := chatting(t)
	claim := bot.Claim{Account: bot.Account{Adapter: "net", User: "7"}, Thread: bot.Thread{Adapter: "net", Chat: "7"}, Direct: true}
	p, err := d.reception.Policy.Authorize(claim)
	if err != nil {
		t.Fatal(err)
	}
	if err := d.living.Start(t.Context(), bot.Call{ID: 1, Claim: claim}, p); err != nil {
		t.Fatal(err)
	}
	n.wait(t, 1)
	for minute := 2; minute < 5; minute++ {
		d.living.Minute(t.Context(), nil)
		sent := n.wait(t, minute)[minute-1]
		if sent.Target != "b" || !sent.Post.Silent {
			t.Errorf("minute %d: target %q, silent %t", minute, sent.Target, sent.Post.Silent)
		}
	}
	eventually(patience, func() bool { n.mu.Lock(); defer n.mu.Unlock(); return len(n.pinned) > 0 })
	n.mu.Lock()
	if len(n.pinned) != 1 || n.pinned[0] != "b" {
		t.Errorf("pinned %q", n.pinned)
	}
	n.mu.Unlock()

	// The chat gets a new id: the card is posted anew there.
	moved := bot.Thread{Adapter: "net", Chat: "8"}
	if err := d.living.follow(t.Context(), bot.Move{From: claim.Thread, To: moved}); err != nil {
		t.Fatal(err)
	}
	d.living.Minute(t.Context(), nil)
	if last := n.wait(t, 5)[4]; last.Thread != moved || last.Target != "" {
		t.Errorf("after the move: in %s, target %q", last.Thread, last.Target)
	}

	// Taken off the list, she sees nothing more.
	d.reception.Policy.Set(nil, nil)
	d.living.refresh(t.Context())
	if cards, err := d.living.cards(t.Context()); err != nil || len(cards) != 0 {
		t.Errorf("cards %v, %v", cards, err)
	}
	if n := len(n.wait(t, 5)); n != 5 {
		t.Errorf("%d were sent, want 5", n)
	}
}

// listener remembers the minutes that it was told of.
type listener struct{ minutes [][]bot.Sample }

func (l *listener) Minute(_ context.Context, s []bot.Sample) { l.minutes = append(l.minutes, s) }

func TestAMinuteIsRecordedAndTold(t *testing.T) {
	db, heard := openStore(t), &listener{}
	charge := 0
	s := &sampler{
		machine: &device.Machine{Gauge: gaugeFunc(func() (device.Battery, error) {
			if charge++; charge > 2 {
				return device.Battery{}, errors.New("the bus is gone")
			}
			v := float64(charge)
			return device.Battery{Charge: &v}, nil
		})},
		series: db, listen: []bot.Minutes{heard}, log: slog.New(slog.DiscardHandler),
	}
	noon := time.Now().Truncate(time.Hour).Add(-24 * time.Hour)
	for m := range 3 {
		if err := db.Record(t.Context(), []bot.Sample{{Series: "greenhouse", At: noon.Add(time.Duration(m)*time.Minute - time.Second), Value: float64(10 + m)}}); err != nil {
			t.Fatal(err)
		}
		s.minute(t.Context(), noon.Add(time.Duration(m)*time.Minute))
	}
	values := func(minute int) map[string]float64 {
		all := map[string]float64{}
		for _, s := range heard.minutes[minute] {
			all[s.Series] = s.Value
		}
		return all
	}
	if len(heard.minutes) != 3 {
		t.Fatalf("told of %d minutes", len(heard.minutes))
	}
	for minute, want := range []map[string]float64{{"greenhouse": 10, device.Charge: 1}, {"greenhouse": 11, device.Charge: 2}, {"greenhouse": 12}} {
		got := values(minute)
		for name, v := range want {
			if got[name] != v {
				t.Errorf("minute %d: %s is %g, want %g", minute, name, got[name], v)
			}
		}
		if _, there := got[device.Memories]; !there {
			t.Errorf("minute %d: no memory in %v", minute, got)
		}
	}
	// A gauge that fails leaves the rest; what it said is not said again as new.
	points, err := db.Range(t.Context(), device.Charge, noon, noon.Add(time.Hour), time.Minute)
	if err != nil || len(points) != 2 {
		t.Errorf("got %+v, %v", points, err)
	}
	if s.lastBattery() != nil {
		t.Error("the battery is still there")
	}
}

type gaugeFunc func() (device.Battery, error)

func (f gaugeFunc) Battery(context.Context) (device.Battery, error) { return f() }

func TestStepsOfAChart(t *testing.T) {
	for length, want := range map[time.Duration]time.Duration{
		time.Hour: time.Minute, 6 * time.Hour: time.Minute, 24 * time.Hour: 5 * time.Minute,
		7 * 24 * time.Hour: 30 * time.Minute, 30 * 24 * time.Hour: 2 * time.Hour, 730 * 24 * time.Hour: 48 * time.Hour,
	} {
		if got := chartStep(length); got != want {
			t.Errorf("%s: got %s, want %s", length, got, want)
		}
	}
}

func TestTheLastDayIsDrawnFromItsMeans(t *testing.T) {
	db := openStore(t)
	now := time.Now()
	for h := range 24 {
		if h == 10 || h == 11 || h == 12 {
			continue
		}
		if err := db.Record(t.Context(), []bot.Sample{{Series: device.Charge, At: now.Add(-time.Duration(h) * time.Hour), Value: math.Min(100, float64(h)*5)}}); err != nil {
			t.Fatal(err)
		}
	}
	s := &sampler{series: db, log: slog.New(slog.DiscardHandler)}
	got := []rune(s.dayTrends(t.Context())[device.Charge])
	if len(got) != device.Trend || got[0] != '▇' || got[len(got)-1] != '▁' || !strings.Contains(string(got), " ") {
		t.Errorf("got %q", string(got))
	}
}
