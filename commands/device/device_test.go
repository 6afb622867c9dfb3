package device

import (
	"context"
	"encoding/binary"
	"errors"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/rogpeppe/go-internal/txtar"
)

// machine is one of testdata, by its files.
func machine(t *testing.T, name string) *Machine {
	t.Helper()
	files, err := txtar.ParseFile(filepath.Join("testdata", name+".txtar"))
	if err != nil {
		t.Fatal(err)
	}
	root := t.TempDir()
	if err := txtar.Write(files, root); err != nil {
		t.Fatal(err)
	}
	return &Machine{Root: root, Networks: func() ([]Network, error) {
		return []Network{
			{Name: "docker0", Addresses: []string{"172.17.0.1"}},
			{Name: "wlan0", Addresses: []string{"192.168.1.20", "2001:db8::20"}},
		}, nil
	}}
}

func (m *Machine) put(t *testing.T, name, content string) {
	t.Helper()
	path := m.path(name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
}

func of(v float64) *float64 { return &v }

var about = cmp.Options{cmpopts.EquateApprox(0, 0.01), cmpopts.EquateNaNs()}

func TestARaspberryPiIsReadByItsFiles(t *testing.T) {
	m := machine(t, "pi")
	got := m.Read(t.Context())
	for i, d := range got.Disks { // sizes are those of the test's own disk
		if d.Total <= 0 || d.Free <= 0 || d.Free > d.Total {
			t.Errorf("disk %+v", d)
		}
		got.Disks[i].Total, got.Disks[i].Free = 0, 0
	}
	if up := got.At.Sub(got.Booted); up < 273600*time.Second || up > 273602*time.Second {
		t.Errorf("up for %s", up)
	}
	got.At, got.Booted = time.Time{}, time.Time{}
	want := Reading{
		Model: "Raspberry Pi 4 Model B Rev 1.4", System: "Debian GNU/Linux 13 (trixie)", Kernel: "6.12.47+rpt-rpi-v8",
		Cores: 4, Load: &Load{0.42, 0.31, 0.28},
		Memory: &Memory{Total: 3881012 << 10, Free: 1513595 << 10, SwapTotal: 524284 << 10, SwapFree: 393213 << 10},
		Disks: []Disk{
			{Mount: "/", Device: "/dev/mmcblk0p2", Type: "ext4"},
			{Mount: "/boot/firmware", Device: "/dev/mmcblk0p1", Type: "vfat"},
			{Mount: "/mnt/USB stick", Device: "/dev/sda1", Type: "ext4"},
		},
		Temps:    []Temperature{{"cpu-thermal", 52.095}, {"nvme Composite", 48.85}},
		Throttle: &Throttle{UnderVoltage: true, Now: []string{"under-voltage", "throttled"}, Earlier: []string{"hot (soft limit)"}},
		Networks: []Network{
			{Name: "docker0", Addresses: []string{"172.17.0.1"}},
			{Name: "wlan0", Addresses: []string{"192.168.1.20", "2001:db8::20"}, Signal: of(-56), Received: 1234567890, Sent: 87654321},
		},
	}
	if diff := cmp.Diff(want, got, about); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestWhatAMachineDoesNotHaveIsLeftOut(t *testing.T) {
	m := &Machine{Root: t.TempDir(), Networks: func() ([]Network, error) { return nil, errors.New("no network") }}
	got := m.Read(t.Context())
	if diff := cmp.Diff(Reading{At: got.At}, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if card := Card(got, nil, nil); card != "" {
		t.Errorf("the card of nothing is %q", card)
	}
	if all := Samples(got, math.NaN(), &Battery{}); len(all) != 0 {
		t.Errorf("samples of nothing: %+v", all)
	}
	if b, err := m.Battery(t.Context()); !errors.Is(err, ErrNoBattery) {
		t.Errorf("got %+v, %v", b, err)
	}
}

// Files that are broken are as good as none, and never a crash.
func TestBrokenFilesAreLeftOut(t *testing.T) {
	m := machine(t, "pi")
	err := filepath.WalkDir(m.Root, func(path string, d os.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() {
			err = os.WriteFile(path, []byte("::\x00 %s -\n\n(nan) : ) ( cpu cpu0 x 1e999\n"), 0o644)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	got := m.Read(t.Context())
	if got.Load != nil || got.Memory != nil || len(got.Temps) > 0 || len(got.Disks) > 0 || !got.Booted.IsZero() {
		t.Errorf("got %+v", got)
	}
	if _, err := m.Clock(); err == nil {
		t.Error("a clock was read")
	}
}

func TestThisMachineIsRead(t *testing.T) {
	m := &Machine{}
	begun := time.Now()
	got := m.Read(t.Context())
	t.Logf("took %s: %+v", time.Since(begun), got)
	if got.Load == nil || got.Memory == nil || got.Memory.Total <= 0 || got.Cores < 1 || got.Booted.IsZero() || len(got.Disks) == 0 || got.Disks[0].Mount != "/" {
		t.Errorf("got %+v", got)
	}
	if m.BootID() == "" {
		t.Error("the start has no name")
	}
}

func TestBusyIsWhatPassedBetweenTwoClocks(t *testing.T) {
	m := machine(t, "pi")
	first, err := m.Clock()
	if err != nil {
		t.Fatal(err)
	}
	if _, ok := first.Since(Clock{}); ok {
		t.Error("busy since nothing")
	}
	m.put(t, "proc/stat", "cpu  1100 10 550 8200 450 0 90 0 50 0\n")
	second, err := m.Clock()
	if busy, ok := second.Since(first); err != nil || !ok || math.Abs(busy-37.5) > 0.01 {
		t.Errorf("got %g, %t, %v, want 150 of 400 ticks", busy, ok, err)
	}
}

func TestTheBusiestProcessesComeFirst(t *testing.T) {
	m := &Machine{}
	all, err := m.Processes(t.Context(), 50*time.Millisecond)
	if err != nil || len(all) < 2 {
		t.Fatalf("got %d processes, %v", len(all), err)
	}
	for i := 1; i < len(all); i++ {
		if all[i].CPU > all[i-1].CPU {
			t.Errorf("%+v comes before %+v", all[i-1], all[i])
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := m.Processes(ctx, time.Hour); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

func TestVoltageWithoutTheFirmwaresFile(t *testing.T) {
	want := &Throttle{UnderVoltage: true, Now: []string{"under-voltage"}, Earlier: []string{}}
	if diff := cmp.Diff(want, machine(t, "laptop").Read(t.Context()).Throttle); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	m := machine(t, "pi")
	for content, want := range map[string]string{"0": "all right", "0x50000": "earlier: under-voltage, throttled", "2": "Frequency capped!"} {
		m.put(t, "sys/devices/platform/soc/soc:firmware/get_throttled", content)
		if got := m.throttle().String(); got != want {
			t.Errorf("%s: got %q, want %q", content, got, want)
		}
	}
}

// The card fits a phone held upright: 32 characters across.
func TestTheCardFitsAPhone(t *testing.T) {
	m := machine(t, "pi")
	b, err := m.Battery(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	r := m.Read(t.Context())
	r.Disks = []Disk{{Mount: "/", Total: 31_000_000_000, Free: 8_300_000_000}}
	day := []float64{48, 49, 50, 55, 60, 61, 55, math.NaN(), math.NaN(), 50, 49, 52}
	got := Card(r, &b, Trends(map[string][]float64{Temp: day, Loads: day, Charge: day, Memories: day}))
	want := `load 0.42 of 4      ▆▆▆▇▇▇▇  ▆▆▆
mem  61 % of 4.0 GB ▄▄▄▄▅▅▄  ▄▄▄
disk 73 %, 8.3 GB free
temp 52.1 °C        ▁▁▂▄▇▇▄  ▂▁▃
volt Under-voltage, throttled!
batt 83 %           ▄▄▄▄▅▅▄  ▄▄▄
     −5.2 W, 2 h 0 min left
net  wlan0 192.168.1.20 -56 dBm`
	for line := range strings.Lines(got) {
		if n := utf8.RuneCountInString(strings.TrimSpace(line)); n > 32 {
			t.Errorf("%d characters: %s", n, line)
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestTrendsShowWhatChangesAndNotWhatDoesNot(t *testing.T) {
	nan := math.NaN()
	for _, c := range []struct {
		rule      string
		values    []float64
		low, span float64
		want      string
	}{
		{"nothing is nothing", []float64{nan, nan}, nan, 1, ""},
		{"what hardly changes is flat", []float64{50, 50.1, 50}, nan, 10, "▄▄▄"},
		{"what changes is not", []float64{0, 50, 100}, 0, 100, "▁▄▇"},
		{"a gap is a gap", []float64{0, nan, 100}, 0, 100, "▁ ▇"},
		{"a scale may be left below", []float64{-5, 5}, 0, 1, "▁▇"},
	} {
		if got := Spark(c.values, c.low, c.span); got != c.want {
			t.Errorf("%s: got %q, want %q", c.rule, got, c.want)
		}
	}
}

// entry is a record of wtmp.
func entry(kind uint16, user string, at time.Time) string {
	var e [entrySize]byte
	binary.NativeEndian.PutUint16(e[:], kind)
	copy(e[entryUser:], user)
	binary.NativeEndian.PutUint32(e[entryTime:], uint32(at.Unix()))
	return string(e[:])
}

func TestWhyTheMachineWasStarted(t *testing.T) {
	now := time.Now().Truncate(time.Minute)
	booted := now.Add(-time.Hour)
	before := func(d time.Duration) time.Time { return booted.Add(-d) }
	at := func(d time.Duration) string { return Moment(before(d)) }
	order := &Order{What: Reboot, Person: "ann", At: before(2 * time.Minute), Boot: "another"}
	off := &Order{What: Poweroff, Person: "ann", At: before(2 * time.Minute), Boot: "another"}
	const user = 7
	ended := entry(bootTime, "reboot", before(5*time.Hour)) + entry(user, "ann", before(4*time.Hour)) + entry(runLevel, "shutdown", before(90*time.Second))
	for _, c := range []struct {
		rule  string
		files map[string]string
		past  Past
		want  string
	}{
		{"nothing is known", nil, Past{}, Unknown},
		{"an order of ours", nil, Past{Order: order, Ended: before(time.Minute), Alive: before(time.Minute)}, "ann asked for a reboot at " + at(2*time.Minute)},
		{"an order to go off", nil, Past{Order: off}, "ann asked for a power-off at " + at(2*time.Minute)},
		{"an order of this very start was not what ended the last", nil, Past{Order: &Order{Boot: "this"}, Alive: before(time.Minute)}, "power cut or crash at about " + at(time.Minute)},
		{"a shutdown on record", map[string]string{"var/log/wtmp": ended + entry(bootTime, "reboot", booted)}, Past{}, "it was shut down in order at " + Moment(before(90*time.Second))},
		{"a shutdown on record, when this start is not yet", map[string]string{"var/log/wtmp": ended}, Past{}, "it was shut down in order at " + Moment(before(90*time.Second))},
		{"a start without a shutdown before", map[string]string{"var/log/wtmp": ended + entry(bootTime, "reboot", before(time.Minute)) + entry(bootTime, "reboot", booted)},
			Past{Alive: before(3 * time.Minute)}, "power cut or crash at about " + at(3*time.Minute)},
		{"a record that is cut", map[string]string{"var/log/wtmp": ended[:100]}, Past{}, Unknown},
		{"the daemon was stopped", nil, Past{Ended: before(time.Minute), Alive: before(time.Minute)}, "chapi was stopped in order at " + at(time.Minute) + " before it; a shutdown, probably"},
		{"the daemon was stopped long before", nil, Past{Ended: before(90 * time.Hour), Alive: before(90 * time.Hour)}, Unknown},
		{"a watchdog", map[string]string{"sys/class/watchdog/watchdog0/bootstatus": "32\n"}, Past{Alive: before(time.Minute)}, "the hardware watchdog reset it"},
		{"no watchdog", map[string]string{"sys/class/watchdog/watchdog0/bootstatus": "0\n"}, Past{}, Unknown},
		{"a crash of the kernel", map[string]string{"sys/fs/pstore/dmesg-ramoops-0": "Oops"}, Past{Alive: before(time.Minute)}, "the kernel crashed; its last words are in /sys/fs/pstore or /var/lib/systemd/pstore"},
		{"a crash of the kernel long ago", map[string]string{"var/lib/systemd/pstore/1/dmesg.txt": "Oops"}, Past{Alive: now.Add(time.Hour)}, "power cut or crash at about " + Moment(now.Add(time.Hour))},
	} {
		t.Run(c.rule, func(t *testing.T) {
			m := &Machine{Root: t.TempDir()}
			m.put(t, "proc/sys/kernel/random/boot_id", "this\n")
			for name, content := range c.files {
				m.put(t, name, content)
			}
			if got := m.WhyBooted(booted, c.past); got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
		})
	}
}

func TestServicesAreWhatSystemdSays(t *testing.T) {
	dir := t.TempDir()
	systemctl := filepath.Join(dir, "systemctl")
	script := `#!/bin/sh
case "$1" in
list-units) printf 'backup.service loaded failed failed Nightly backup\n* odd.mount not-found failed failed odd.mount\n' ;;
show) printf 'Id=nginx.service\nDescription=A web server\nLoadState=loaded\nActiveState=active\nSubState=running\n\nId=nix.service\nDescription=nix.service\nLoadState=not-found\nActiveState=inactive\nSubState=dead\n' ;;
esac
echo "$@" >> ` + dir + `/asked
`
	if err := os.WriteFile(systemctl, []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	failed, watched, err := Services(t.Context(), []string{systemctl}, []string{"nginx.service", "nix"})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]Service{
		{Name: "backup.service", State: "failed", Detail: "failed", About: "Nightly backup", Found: true},
		{Name: "odd.mount", State: "failed", Detail: "failed", About: "odd.mount", Found: true},
	}, failed); diff != "" {
		t.Errorf("failed (-want +got)\n%s", diff)
	}
	if diff := cmp.Diff([]Service{
		{Name: "nginx.service", State: "active", Detail: "running", About: "A web server", Found: true},
		{Name: "nix.service", State: "inactive", Detail: "dead", About: "nix.service"},
	}, watched); diff != "" {
		t.Errorf("watched (-want +got)\n%s", diff)
	}
	if asked, _ := os.ReadFile(dir + "/asked"); !strings.Contains(string(asked), "-- nginx.service nix\n") {
		t.Errorf("names may be taken for flags: %s", asked)
	}
	if _, _, err := Services(t.Context(), []string{"no-such-systemctl"}, nil); !errors.Is(err, ErrNoSystemd) {
		t.Errorf("got %v", err)
	}
	refuses := []string{"sh", "-c", "echo 'System has not been booted with systemd as init system' >&2; exit 1"}
	if _, _, err := Services(t.Context(), refuses, nil); !errors.Is(err, ErrNoSystemd) {
		t.Errorf("got %v", err)
	}
}
