package holder

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"chapi/bot"
	"chapi/runner/journal"
)

func TestCheckpointsAreFewAndWhereOutputIsKept(t *testing.T) {
	dir := t.TempDir()
	log := journal.New(dir, 0, bot.Size{})
	k := newCheckpoints(dir, 0)
	const end = 1 << 30
	most := 0
	for at := int64(0); at <= end; at += 1 << 20 {
		if !k.due(at) {
			continue
		}
		k.write(Checkpoint{Offset: at, State: []byte("state")}, log)
		most = max(most, len(checkpointOffsets(dir)))
	}
	got := checkpointOffsets(dir)
	if !slices.Equal(got, k.at) {
		t.Errorf("the files are %v, the list is %v", got, k.at)
	}
	if most > 2*checkpointShare {
		t.Errorf("%d files at once", most)
	}
	kept := journal.Kept(journal.DefaultBudget, end)
	for _, from := range []int64{kept[0].To, kept[1].From, end} {
		i, _ := slices.BinarySearch(got, from+1)
		if i == 0 || from-got[i-1] > checkpointEvery {
			t.Errorf("the last checkpoint before %d is too far away: %v", from, got)
		}
	}
}

func TestCheckpointFiles(t *testing.T) {
	dir := t.TempDir()
	for _, at := range []int64{10, 20, 30} {
		if err := writeCheckpoint(filepath.Join(dir, checkpointName(at)), Checkpoint{at, fmt.Append(nil, "state ", at)}); err != nil {
			t.Fatal(err)
		}
	}
	writeCheckpoint(filepath.Join(dir, lastScreen), Checkpoint{35, []byte("last")})
	os.WriteFile(filepath.Join(dir, checkpointName(25)), []byte("torn"), 0o600)
	os.Rename(filepath.Join(dir, checkpointName(10)), filepath.Join(dir, checkpointName(12)))
	os.WriteFile(filepath.Join(dir, "7.screen"), make([]byte, 100), 0o600)
	for most, want := range map[int64]string{5: "", 20: "state 20", 34: "state 30 state 20", 35: "last state 30 state 20", 1 << 40: "last state 30 state 20"} {
		var got []string
		for c := range Checkpoints(dir, most) {
			got = append(got, string(c.State))
		}
		if strings.Join(got, " ") != want {
			t.Errorf("up to %d: got %q, want %q", most, got, want)
		}
	}
	if err := writeCheckpoint(filepath.Join(dir, checkpointName(40)), Checkpoint{40, make([]byte, maxState+1)}); err == nil {
		t.Error("a state over the limit was written")
	}
}

func TestASessionSurvivesItsEmulator(t *testing.T) {
	dir := t.TempDir()
	log := journal.New(dir, 0, bot.Size{Cols: 80, Rows: 24})
	defer log.Close()
	d := newDisplay(dir, log, bot.Spec{PTY: true, Size: bot.Size{Cols: 80, Rows: 24}})
	d.add([]byte("before"))
	func() {
		d.mu.Lock()
		defer d.mu.Unlock()
		defer d.survive()
		panic("as an emulator might")
	}()
	if got := d.add([]byte("\x1b[c")); got != nil {
		t.Errorf("got an answer: %q", got)
	}
	if _, ok := d.now(); ok {
		t.Error("a lost screen is shown")
	}
	d.resize(bot.Size{Cols: 10, Rows: 10})
	if got := log.End(); got != 9 {
		t.Errorf("the journal has %d bytes, want 9", got)
	}
}

func TestAnswersLeaveRoomForWhatIsTyped(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	in := &input{file: w}
	defer in.close()
	in.put(make([]byte, 80<<10)) // more than the pipe takes, so some waits
	for range 10_000 {
		in.answer([]byte("\x1b[1;1R"))
	}
	in.mu.Lock()
	waiting := len(in.waiting)
	in.mu.Unlock()
	if waiting > 80<<10+maxAnswers {
		t.Errorf("%d bytes wait", waiting)
	}
	if err := in.put(make([]byte, 100<<10)); err != nil {
		t.Errorf("what is typed is refused: %v", err)
	}
}

// What there was no time for is drawn from the journal, with the sizes that the
// terminal had, and answered.
func TestAScreenThatIsLateCatchesUp(t *testing.T) {
	size := bot.Size{Cols: 80, Rows: 24}
	made := func(late bool) (state, answers []byte) {
		dir := t.TempDir()
		log := journal.New(dir, 0, size)
		defer log.Close()
		d := newDisplay(dir, log, bot.Spec{PTY: true, Size: size})
		defer d.close()
		for i := range 3000 {
			d.credit, d.rush = time.Hour, 0
			if late {
				d.credit = -time.Hour
			}
			if i%1000 == 500 {
				d.resize(bot.Size{Cols: uint16(40 + i/100), Rows: 20})
			}
			answers = append(answers, d.add(fmt.Appendf(nil, "\x1b[%dmline %d\x1b[m\r\n", 31+i%7, i))...)
		}
		for range 100 { // much of it is passed over
			d.credit, d.rush = time.Hour, 0
			d.add(bytes.Repeat([]byte("\x1b[1;34mfile\x1b[0m and others\r\n"), 1000))
		}
		d.credit, d.rush = time.Hour, 0
		answers = append(answers, d.add([]byte("\x1b[6n"))...)
		if _, ok := d.now(); ok == late {
			t.Errorf("late is %v, and the screen is told: %v", late, ok)
		}
		for d.isLate() {
			answers = append(answers, d.catchUp()...)
		}
		c, ok := d.now()
		if !ok || c.Offset != log.End() {
			t.Fatalf("got the screen after %d bytes of %d, %v", c.Offset, log.End(), ok)
		}
		return c.State, answers
	}
	want, asked := made(false)
	got, answered := made(true)
	if !bytes.Equal(got, want) {
		t.Error("it shows something else")
	}
	if string(answered) != string(asked) || len(asked) == 0 {
		t.Errorf("it answers %q, want %q", answered, asked)
	}
}
