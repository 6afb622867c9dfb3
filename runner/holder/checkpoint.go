package holder

import (
	"encoding/binary"
	"fmt"
	"io"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"chapi/bot"
	"chapi/runner/journal"
)

// Checkpoint is the state of a terminal's screen, see screen.Checkpoint, as it
// is after Offset bytes of the session's output.
type Checkpoint struct {
	Offset int64
	State  []byte
}

// A session's folder has a checkpoint file now and then of the output, named
// by its offset in twenty digits, and one of the end. They only save time:
// each can be made again from the journal, as far as that is kept.
const (
	lastScreen       = "screen"
	checkpointSuffix = ".screen"
	// checkpointEvery is how much output there is between two checkpoints: what
	// an emulator draws in some hundredths of a second. checkpointShare is
	// how many there are for as much output as is kept, where that is more.
	checkpointEvery = 4 << 20
	checkpointShare = 16
	// maxState is the longest state that is written or sent. In a message it
	// is a third longer.
	maxState = 4 << 20
)

// A checkpoint file is the offset in eight bytes, the highest first, and the
// state, which checks itself when it is restored.
const checkpointHead = 8

func (c Checkpoint) encode() []byte {
	b := make([]byte, 0, checkpointHead+len(c.State))
	return append(binary.BigEndian.AppendUint64(b, uint64(c.Offset)), c.State...)
}

func decodeCheckpoint(b []byte) (c Checkpoint, ok bool) {
	if len(b) <= checkpointHead {
		return c, false
	}
	c = Checkpoint{Offset: int64(binary.BigEndian.Uint64(b)), State: b[checkpointHead:]}
	return c, c.Offset >= 0
}

// writeCheckpoint writes a file, all or nothing unless a power cut tears it.
func writeCheckpoint(name string, c Checkpoint) error {
	if len(c.State) > maxState {
		return fmt.Errorf("write checkpoint: its %d bytes are over the limit of %d", len(c.State), maxState)
	}
	temporary := name + ".tmp"
	err := os.WriteFile(temporary, c.encode(), 0o600)
	if err == nil {
		err = os.Rename(temporary, name)
	}
	if err != nil {
		os.Remove(temporary)
		return fmt.Errorf("write checkpoint: %w", err)
	}
	return nil
}

func readCheckpoint(name string) (c Checkpoint, ok bool) {
	file, err := os.Open(name)
	if err != nil {
		return c, false
	}
	defer file.Close()
	b, err := io.ReadAll(io.LimitReader(file, checkpointHead+maxState+1))
	if err != nil {
		return c, false
	}
	return decodeCheckpoint(b)
}

// Checkpoints is the checkpoints in a session's folder of at most that many
// bytes of output, the latest first. They may be torn or of another version.
func Checkpoints(dir string, most int64) iter.Seq[Checkpoint] {
	return func(yield func(Checkpoint) bool) {
		last, ok := readCheckpoint(filepath.Join(dir, lastScreen))
		if ok && last.Offset <= most && !yield(last) {
			return
		}
		for _, at := range slices.Backward(checkpointOffsets(dir)) {
			if at > most {
				continue
			}
			c, ok := readCheckpoint(filepath.Join(dir, checkpointName(at)))
			if ok && c.Offset == at && !yield(c) {
				return
			}
		}
	}
}

func checkpointName(at int64) string { return fmt.Sprintf("%020d%s", at, checkpointSuffix) }

// checkpointOffsets is what the names of a folder's files say, in order.
func checkpointOffsets(dir string) (at []int64) {
	entries, _ := os.ReadDir(dir) // in order of name
	for _, e := range entries {
		digits, ok := strings.CutSuffix(e.Name(), checkpointSuffix)
		if n, err := strconv.ParseInt(digits, 10, 64); ok && err == nil && n >= 0 && checkpointName(n) == e.Name() {
			at = append(at, n)
		}
	}
	return at
}

// checkpoints is the files that a holder has written.
type checkpoints struct {
	dir    string
	budget int64
	every  int64 // bytes of output
	next   int64 // offset from which on another is due
	at     []int64
}

func newCheckpoints(dir string, budget int64) checkpoints {
	if budget <= 0 {
		budget = journal.DefaultBudget
	}
	every := max(checkpointEvery, budget/checkpointShare)
	return checkpoints{dir: dir, budget: budget, every: every, next: every}
}

func (k *checkpoints) due(end int64) bool { return end >= k.next }

// write adds a file, unless the disk has better uses for the room, and lets
// those go that no output is kept behind: their number is bounded by that.
func (k *checkpoints) write(c Checkpoint, log *journal.Log) {
	k.next = c.Offset + k.every
	if log.Spare(int64(len(c.State))) && writeCheckpoint(filepath.Join(k.dir, checkpointName(c.Offset)), c) == nil {
		k.at = append(k.at, c.Offset)
	}
	kept := journal.Kept(k.budget, c.Offset)
	if len(kept) < 2 {
		return
	}
	gap := bot.Range{From: kept[0].To, To: kept[1].From}
	// The last one in the gap is where what is kept behind it begins.
	i, _ := slices.BinarySearch(k.at, gap.To+1)
	k.drop(func(at int64) bool { return at > gap.From && at < gap.To && (i == 0 || at != k.at[i-1]) })
}

// drop deletes files.
func (k *checkpoints) drop(which func(at int64) bool) {
	left := k.at[:0:0]
	for _, at := range k.at {
		if which(at) {
			os.Remove(filepath.Join(k.dir, checkpointName(at)))
		} else {
			left = append(left, at)
		}
	}
	k.at = left
}
