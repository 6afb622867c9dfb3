// Package journal keeps the output of one session on disk, byte for byte at
// its offset, within a budget, so that processes that come and go can read it
// while one process writes it. It knows nothing of processes, terminals or
// sessions.
//
// A journal is some files in a folder that may hold other things too. Output
// is in segments, plain files of exactly the bytes that came, each named by
// the offset of its first byte. Beside a segment there may be a file of marks:
// where the output changes between standard output and standard error, what
// time it was, how large the terminal was. Kept says which segments a budget
// keeps. Without marks the bytes of a segment are standard output.
//
// What is in the files is the whole truth; there is no index that could
// disagree. Reading goes by these rules, whatever a power cut left behind:
//
//   - The output begins with the segment at offset 0 and goes on in each
//     segment that begins exactly where the last ended.
//   - It ends with the longest such chain that reaches the last segment.
//   - What is between the two is the one gap. Segments within it are ignored.
//   - A marks file counts up to its first incomplete or unknown record.
package journal

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"chapi/bot"
)

const (
	// clockTick is how often growing output is marked with the time, and
	// fineTick how often that of a terminal is, so that it can be shown again
	// as it came.
	clockTick = time.Second
	fineTick  = 50 * time.Millisecond
	// fineLeast and fineShare are what the marks of a segment may take for
	// that, in bytes and as a share of its output: a program that prints a
	// byte now and then for days would else have more marks than output.
	// Beyond it the clock ticks as elsewhere.
	fineLeast = 64 << 10
	fineShare = 4
	// retryAfter is how long output is let go unwritten after the disk refused
	// some, before it is asked again. Asking costs a file system more time the
	// fuller it is, and meanwhile the program would wait.
	retryAfter = 100 * time.Millisecond
	// reserveMost, reserveLeast and reserveShare are what output leaves free of a
	// file system for the records of everything else: a share of it, within
	// bounds. A program that floods the disk must not keep us from recording who
	// asked for what.
	reserveMost  = 32 << 20
	reserveLeast = 256 << 10
	reserveShare = 16
	// lookEvery is how much is written between two looks at the free space.
	lookEvery = 256 << 10
	// spareTimes is how many times the room must be there for what is only
	// useful.
	spareTimes = 8
)

// ErrCopy is what Splice returns when the bytes have to go through memory:
// read them and Append.
var ErrCopy = errors.New("journal: to be copied through memory")

// Log writes a journal. All methods may be called concurrently, and only one
// process may have a Log for a folder. The files are made when there is
// something to put into them.
type Log struct {
	dir string
	layout

	// syncing lets one Sync run at a time, and is held without mu so that
	// Append need not wait for the disk.
	syncing sync.Mutex

	mu     sync.Mutex
	end    int64 // length of the output, lost bytes included
	stream bot.Stream
	size   bot.Size
	resize bool // size has no mark yet
	tick   time.Time
	fine   bool       // times are marked as for a terminal
	seg    *segment   // the one being filled; nil when the next byte begins one
	tail   []*segment // all later than the first, oldest first
	began  bool       // the first segment exists
	dirty  []*os.File // written and not synced
	synced int64      // the output up to here is on the disk, as far as it is kept
	splice bool       // the file system has not refused it yet
	room   int64      // bytes that may be written before the free space is looked at

	lost    int64 // bytes that would be kept, had there been room
	lostErr error // why, the last time
	retry   time.Time
	marker  int64 // offset of the empty segment that says how long the output is; -1 when none
}

// segment is a file of output and its marks.
type segment struct {
	start, limit int64 // the offsets of its first byte and behind its last, once full
	size         int64
	data         *os.File
	marks        *os.File // nil until there is one
	marksSize    int64
	encoder      markWriter
}

// New is a journal in an existing folder that has none yet. size is the
// terminal's, or zero without one. See Kept for the meaning of budget.
func New(dir string, budget int64, size bot.Size) *Log {
	return &Log{
		dir: dir, layout: layoutFor(budget), stream: bot.Stdout, size: size, resize: size != bot.Size{},
		tick: time.Now(), fine: size != bot.Size{}, splice: true, marker: -1,
	}
}

// Finely marks the times as for a terminal, from the first byte on. It is to be
// called before there is one.
func (l *Log) Finely() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.fine, l.tick = true, time.Time{}
}

// End is the length of the output in bytes, gaps included.
func (l *Log) End() int64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.end
}

// Lost is how many bytes that the budget would have kept are gone because the
// disk refused to take them, or others, and why it did.
func (l *Log) Lost() (bytes int64, cause error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.lost, l.lostErr
}

// Resize notes the terminal's size for the output that follows.
func (l *Log) Resize(size bot.Size) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.resize = l.resize || size != l.size
	l.size = size
}

// Append adds output. It always takes all of it: what the disk refuses is
// counted as lost and becomes part of the gap. p is not retained.
func (l *Log) Append(stream bot.Stream, p []byte) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.retry != (time.Time{}) && time.Now().Before(l.retry) {
		l.end += int64(len(p))
		l.lost += int64(len(p))
		return
	}
	for len(p) > 0 {
		n, err := l.write(stream, p)
		p = p[n:]
		if err != nil && !l.makeRoom(err) {
			l.lose(int64(len(p)), err)
			return
		}
	}
}

// Splice moves at most max bytes from a non-blocking pipe into the journal
// without taking them through memory. It returns 0 and nil at the end of the
// pipe, EAGAIN when the pipe is empty, and ErrCopy when the bytes have to be
// read and appended.
func (l *Log) Splice(stream bot.Stream, pipe int, max int) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	s := l.seg
	if !l.splice || s == nil || stream != l.stream || l.resize || s.start+s.size >= s.limit || time.Since(l.tick) >= l.every() || l.look() != nil {
		return 0, ErrCopy
	}
	off := s.size
	n, err := unix.Splice(pipe, nil, int(s.data.Fd()), &off, int(min(int64(max), s.limit-l.end, l.room)), unix.SPLICE_F_MOVE|unix.SPLICE_F_NONBLOCK)
	switch {
	case err == nil:
		l.room -= int64(n)
		s.size += int64(n)
		l.end += int64(n)
		return int(n), nil
	case err == unix.EAGAIN || err == unix.EINTR:
		return 0, unix.EAGAIN
	case err == unix.EINVAL || err == unix.ENOSYS:
		// Not every file system can.
		l.splice = false
	}
	return 0, ErrCopy
}

// write puts what fits into the current segment.
func (l *Log) write(stream bot.Stream, p []byte) (int, error) {
	if err := l.look(); err != nil {
		return 0, err
	}
	if err := l.ready(stream); err != nil {
		return 0, err
	}
	s := l.seg
	p = p[:min(int64(len(p)), s.limit-l.end, l.room)]
	n, err := s.data.WriteAt(p, s.size)
	l.room -= int64(n)
	s.size += int64(n)
	l.end += int64(n)
	return n, err
}

// look sees to it that the free space was looked at lately, and refuses with
// ENOSPC what would take from the reserve.
func (l *Log) look() error {
	if l.room > 0 {
		return nil
	}
	free, err := l.free()
	if err != nil {
		l.room = lookEvery // a file system that does not say will refuse by itself
		return nil
	}
	l.room = min(free, lookEvery)
	if l.room <= 0 {
		return unix.ENOSPC
	}
	return nil
}

// Spare reports whether the file system has room for so many bytes, many times
// over, beside what is kept free for records.
func (l *Log) Spare(bytes int64) bool {
	free, err := l.free()
	return err != nil || free > spareTimes*bytes
}

// free is how many bytes output may take of the file system.
func (l *Log) free() (int64, error) {
	var fs unix.Statfs_t
	if err := unix.Statfs(l.dir, &fs); err != nil {
		return 0, err
	}
	block := int64(fs.Bsize)
	reserve := min(max(int64(fs.Blocks)*block/reserveShare, reserveLeast), reserveMost)
	return int64(fs.Bavail)*block - reserve, nil
}

// ready sees to it that there is a segment with room at the end of the output
// and that all that is to be known of the next byte is in its marks.
func (l *Log) ready(stream bot.Stream) error {
	now := time.Now()
	fresh := false
	if l.seg == nil || l.seg.start+l.seg.size >= l.seg.limit {
		if err := l.begin(); err != nil {
			return err
		}
		fresh = l.seg.start > 0
	}
	s := l.seg
	encoder := s.encoder
	var b []byte
	sized := (fresh || l.resize) && l.size != bot.Size{}
	if sized {
		b = encoder.size(b, l.end, l.size)
	}
	if fresh || sized || now.Sub(l.tick) >= l.every() {
		b = encoder.time(b, l.end, now)
	}
	if fresh || stream != l.stream {
		b = encoder.stream(b, l.end, stream)
	}
	if len(b) > 0 {
		if err := l.mark(s, b); err != nil {
			if fresh {
				l.abandon(s)
			}
			return err
		}
		s.encoder = encoder
		l.tick = now
		l.resize = false
		l.stream = stream
	}
	return nil
}

// every is how often the output of the current segment is marked with the time.
func (l *Log) every() time.Duration {
	if s := l.seg; l.fine && s.marksSize < fineLeast+s.size/fineShare {
		return fineTick
	}
	return clockTick
}

// mark appends whole records to the segment's marks. After an error the next
// records overwrite what was written of these.
func (l *Log) mark(s *segment, b []byte) error {
	if s.marks == nil {
		f, err := os.OpenFile(filepath.Join(l.dir, marksName(s.start)), os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
		if err != nil {
			return err
		}
		s.marks = f
		l.dirty = append(l.dirty, f)
	}
	if _, err := s.marks.WriteAt(b, s.marksSize); err != nil {
		return err
	}
	s.marksSize += int64(len(b))
	return nil
}

// begin makes the segment that holds the next byte, and lets the oldest go
// when there are as many as the budget allows.
func (l *Log) begin() error {
	limit := l.end + l.segment
	if !l.began && l.end == 0 {
		limit = l.head
	}
	if len(l.tail) == tailSegments {
		l.drop()
	}
	f, err := os.OpenFile(filepath.Join(l.dir, dataName(l.end)), os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	if l.marker >= 0 && l.marker != l.end {
		os.Remove(filepath.Join(l.dir, dataName(l.marker)))
	}
	l.marker = -1
	l.retry = time.Time{}
	l.seg = &segment{start: l.end, limit: limit, data: f, encoder: markWriter{at: l.end}}
	l.dirty = append(l.dirty, f)
	if l.began || l.end > 0 {
		l.tail = append(l.tail, l.seg)
	}
	l.began = true
	return nil
}

// makeRoom frees disk space by giving up the oldest output behind the first
// segment. It reports whether there was any to give up.
func (l *Log) makeRoom(cause error) bool {
	for len(l.tail) > 0 {
		freed := l.tail[0].size
		l.drop()
		if freed > 0 {
			l.lost += freed
			l.lostErr = cause
			return true
		}
	}
	return false
}

// Yield gives up the oldest output behind the first segment, if there is any,
// for something that is needed more on a full disk.
func (l *Log) Yield() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.makeRoom(unix.ENOSPC)
}

// drop deletes the oldest segment of the tail.
func (l *Log) drop() { l.abandon(l.tail[0]) }

// abandon deletes a segment of the tail. The data goes first, so that whoever
// finds a segment finds its marks too.
func (l *Log) abandon(s *segment) {
	os.Remove(filepath.Join(l.dir, dataName(s.start)))
	if s.marks != nil {
		os.Remove(filepath.Join(l.dir, marksName(s.start)))
	}
	l.dirty = slices.DeleteFunc(l.dirty, func(f *os.File) bool { return f == s.data || f == s.marks })
	s.close()
	l.tail = slices.DeleteFunc(l.tail, func(t *segment) bool { return t == s })
	if l.seg == s {
		l.seg = nil
	}
}

// lose counts bytes that have no place. What comes next begins a segment of
// its own, so the gap lies before it.
func (l *Log) lose(n int64, err error) {
	l.end += n
	l.lost += n
	l.lostErr = err
	l.retry = time.Now().Add(retryAfter)
	l.seg = nil
}

func (s *segment) close() {
	s.data.Close()
	if s.marks != nil {
		s.marks.Close()
	}
}

// Sync brings what was appended before to the disk (fdatasync). Appending goes
// on meanwhile. A call when nothing was appended since the last costs nothing.
func (l *Log) Sync() error {
	l.syncing.Lock()
	defer l.syncing.Unlock()
	files, end := l.unsynced()
	var failed error
	for _, f := range files {
		// A file that was given up meanwhile is closed.
		if err := datasync(f); err != nil && !errors.Is(err, os.ErrClosed) {
			failed = fmt.Errorf("sync journal %s: %w", f.Name(), err)
		}
	}
	l.settle(files, end)
	return failed
}

// unsynced is the files to be synced for all output up to end to be on disk.
func (l *Log) unsynced() (files []*os.File, end int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.end == l.synced {
		return nil, l.end
	}
	l.note()
	return slices.Clone(l.dirty), l.end
}

// settle closes those of the synced files that will not grow any more. The
// others stay dirty.
func (l *Log) settle(synced []*os.File, end int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.synced = end
	l.dirty = slices.DeleteFunc(l.dirty, func(f *os.File) bool {
		growing := l.seg != nil && (f == l.seg.data || f == l.seg.marks)
		if growing || !slices.Contains(synced, f) {
			return false
		}
		f.Close()
		return true
	})
}

// note leaves an empty segment at the end of the output when its last bytes
// were lost: its name says how long the output is.
func (l *Log) note() {
	if l.lost == 0 || l.seg != nil || l.marker == l.end {
		return
	}
	f, err := os.OpenFile(filepath.Join(l.dir, dataName(l.end)), os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return // a disk this full is asked again at the next Sync
	}
	f.Close()
	if l.marker >= 0 {
		os.Remove(filepath.Join(l.dir, dataName(l.marker)))
	}
	l.marker = l.end
}

func datasync(f *os.File) error {
	raw, err := f.SyscallConn()
	if err != nil {
		return err
	}
	var failed error
	err = raw.Control(func(fd uintptr) {
		for {
			if failed = unix.Fdatasync(int(fd)); failed != unix.EINTR {
				return
			}
		}
	})
	return errors.Join(err, failed)
}

// Close syncs and closes the files. The Log must not be used any more.
func (l *Log) Close() error {
	err := l.Sync()
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, f := range l.dirty {
		f.Close()
	}
	l.dirty = nil
	l.seg = nil
	return err
}
