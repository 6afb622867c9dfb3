package commands

import (
	"context"
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/txtar"

	"chapi/bot"
	"chapi/commands/device"
)

// Start implements Living.
func (w *world) Start(_ context.Context, c bot.Call, _ bot.Principal) error {
	w.living = append(w.living, c.Claim.Thread.String())
	return nil
}

// Stop implements Living.
func (w *world) Stop(_ context.Context, th bot.Thread) (bool, error) {
	had := len(w.living) > 0
	w.living = nil
	return had, nil
}

func TestALivingCardIsItsOwnAnswer(t *testing.T) {
	w := newWorld(t)
	if got := w.refused("status live off"); !strings.Contains(got, "no living card") {
		t.Errorf("got %q", got)
	}
	if got := w.do("status live"); got != "" || len(w.living) != 1 || w.living[0] != w.thread.String() {
		t.Errorf("answered %q, living %v", got, w.living)
	}
	if got := w.do("status live off"); got == "" || len(w.living) != 0 {
		t.Errorf("answered %q, living %v", got, w.living)
	}
	w.role = bot.Viewer
	if got := w.refused("status live"); !strings.Contains(got, "role user") {
		t.Errorf("got %q", got)
	}
}

func TestBattery(t *testing.T) {
	w := newWorld(t)
	charge, left := 83.0, 4500.0
	w.battery = device.Battery{Name: "UPS", Charge: &charge, State: device.Discharging, Left: &left}
	if got := w.do("battery"); got != "pi4 · UPS\ncharge   83 %\nstate    discharging\ntime     1 h 15 min until empty" {
		t.Errorf("got %q", got)
	}
	w.batteryError = device.ErrNoBattery
	if got := w.refused("battery"); !strings.Contains(got, "no battery") {
		t.Errorf("got %q", got)
	}
	w.batteryError = errors.New("open I2C bus 1: no such device")
	if got := w.refused("battery"); !strings.Contains(got, "no such device") {
		t.Errorf("got %q", got)
	}
}

func TestChartTakesNamesAndALengthInAnyOrder(t *testing.T) {
	w := newWorld(t)
	for line, want := range map[string]string{
		"chart":                  `[] 24h0m0s dark=false`,
		"chart temp":             `["temp"] 24h0m0s dark=false`,
		"chart temp load 7d":     `["temp" "load"] 168h0m0s dark=false`,
		"chart 90m Temp":         `["temp"] 1h30m0s dark=false`,
		"chart --dark temp 4w":   `["temp"] 672h0m0s dark=true`,
		"chart temp --dark":      `["temp"] 24h0m0s dark=true`,
		"chart 2d1 temp":         `["2d1" "temp"] 24h0m0s dark=false`,
		"chart 99999999999d tem": `["99999999999d" "tem"] 24h0m0s dark=false`,
	} {
		if got := w.do(line); got != want {
			t.Errorf("/%s: got %s, want %s", line, got, want)
		}
	}
	for _, line := range []string{"chart 5m", "chart 4000d", "chart -3h"} {
		if got := w.refused(line); !strings.Contains(got, "10 minutes to 10 years") {
			t.Errorf("/%s: got %q", line, got)
		}
	}
}

// pi is a Raspberry Pi, by its files.
func pi(t *testing.T) *device.Machine {
	t.Helper()
	files, err := txtar.ParseFile("device/testdata/pi.txtar")
	if err != nil {
		t.Fatal(err)
	}
	root := t.TempDir()
	if err := txtar.Write(files, root); err != nil {
		t.Fatal(err)
	}
	return &device.Machine{Root: root, Networks: func() ([]device.Network, error) {
		return []device.Network{{Name: "wlan0", Addresses: []string{"192.168.1.20"}}}, nil
	}}
}

func TestTheMachineIsShown(t *testing.T) {
	w := newWorld(t)
	for line, want := range map[string]string{
		"temp": " 52.1 °C  cpu-thermal\n 48.9 °C  nvme Composite\nvoltage and speed: Under-voltage, throttled!",
		"top":  "    812   0.0  33.6MB python3 (x) y",
		"net":  "wlan0\n  192.168.1.20\n  signal -56 dBm, good\n  in 1.2 GB, out 87.7 MB",
	} {
		if got := w.do(line); !strings.Contains(got, want) {
			t.Errorf("/%s: got %q, want %q", line, got, want)
		}
	}
}

func TestAJournalIsASessionOfItsOwn(t *testing.T) {
	w := newWorld(t)
	o := w.opened("journal --lines 500 --follow ssh@1.service")
	if got := strings.Join(o.Spec.Argv, " "); got != "journalctl --no-pager --quiet --lines 500 --unit ssh@1.service --follow" || o.Title != "journal of ssh@1.service" {
		t.Errorf("got %s, %s", got, o.Title)
	}
	for _, unit := range []string{"-M", "'a b'", "a/b", `"x;y"`} {
		if got := w.refused("journal " + unit); !strings.Contains(got, "cannot be a service") && !strings.Contains(got, "flag") && !strings.Contains(got, "-M") {
			t.Errorf("/journal %s: got %q", unit, got)
		}
	}
}

// answer calls what the button of the last question calls.
func (w *world) answer(label string) error {
	w.t.Helper()
	for _, b := range w.reply.posts[0].Keyboard.Rows[0] {
		if b.Label == label {
			c, _ := w.args.Command(b.Command)
			w.reply = &replies{}
			return c.Run(context.Background(), bot.Request{
				Call:      bot.Call{ID: 101, Command: b.Command, Args: b.Args, Message: "56", Claim: bot.Claim{Account: ann, Thread: w.thread}},
				Principal: w.principal(), Reply: w.reply,
			})
		}
	}
	w.t.Fatalf("there is no button %q", label)
	return nil
}

func (w *world) wentDown() int {
	text, _ := os.ReadFile(w.downs)
	return strings.Count(string(text), "\n")
}

func TestTheMachineGoesDownOnlyByTheAnswerToAnOpenQuestion(t *testing.T) {
	w := newWorld(t)
	question := w.do("reboot")
	if !strings.Contains(question, "I would run:\nsh -c 'echo now >> ") || !strings.Contains(question, "'\nShall I?") {
		t.Errorf("the question does not show what would be run: %q", question)
	}
	k := w.reply.posts[0].Keyboard
	if !k.Once || k.Only != ann || k.Asked != 100 || time.Until(k.Expires) > questionGood || time.Until(k.Expires) < questionGood-time.Minute {
		t.Errorf("keyboard %+v", k)
	}
	if w.wentDown() != 0 {
		t.Fatal("it went down without an answer")
	}
	asked := w.reply
	if err := w.answer("Restart now"); err != nil {
		t.Fatal(err)
	}
	if w.wentDown() != 1 || !strings.Contains(w.settings[[2]string{device.OrderScope, device.OrderName}], `"person":"Ann"`) {
		t.Errorf("went down %d times, settings %v", w.wentDown(), w.settings)
	}
	w.reply = asked
	if err := w.answer("Restart now"); err == nil || w.wentDown() != 1 {
		t.Errorf("a second press: %v, went down %d times", err, w.wentDown())
	}
	for _, line := range []string{"power reboot x", "power poweroff x"} {
		if got := w.refused(line); !strings.Contains(got, "closed") {
			t.Errorf("/%s: got %q", line, got)
		}
	}
}

func TestAQuestionIsClosedByANewerOneAndByTime(t *testing.T) {
	w := newWorld(t)
	w.do("reboot")
	older := w.reply
	w.do("poweroff")
	w.reply = older
	if err := w.answer("Restart now"); err == nil || w.wentDown() != 0 {
		t.Errorf("the older question: %v, went down %d times", err, w.wentDown())
	}
	w.do("reboot")
	key := [2]string{questionScope, ann.String()}
	w.settings[key] = strings.Replace(w.settings[key], time.Now().Format("2006"), "2001", 1)
	if err := w.answer("Restart now"); err == nil || w.wentDown() != 0 {
		t.Errorf("after its time: %v, went down %d times", err, w.wentDown())
	}
}

func TestAMachineThatStaysUpSaysWhy(t *testing.T) {
	w := newWorld(t)
	w.do("poweroff")
	err := w.answer("Switch off now")
	if err == nil || !strings.Contains(err.Error(), "stays up") || !strings.Contains(err.Error(), "it may not") {
		t.Errorf("got %v", err)
	}
	if order := w.settings[[2]string{device.OrderScope, device.OrderName}]; order != "" {
		t.Errorf("the order is still on record: %s", order)
	}
}
