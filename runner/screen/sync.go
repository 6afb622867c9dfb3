package screen

// maxSyncBytes bounds how long a synchronized update (mode 2026) may hold the
// view back: a program that died within one shows its screen again after this
// much output.
const maxSyncBytes = 1 << 18

// synchronized is the last complete frame before an update.
type synchronized struct {
	open      bool
	from      uint64 // position of the update's begin
	taken     uint64 // position at which the frame was taken
	valid     bool   // the frame is of the present size
	grid      grid
	alternate bool
	cursor    Cursor
}

func (s *Screen) frozen() bool {
	return s.sync.open && s.processed-s.sync.from <= maxSyncBytes
}

// syncCells is how many cells may be copied for a byte of output.
const syncCells = 16

// beginSync keeps a copy of the screen. A flood of tiny updates must not make
// it copy for each: an older frame stands for the last then.
func (s *Screen) beginSync() {
	if s.sync.open {
		return
	}
	s.sync.open = true
	s.sync.from = s.position
	if s.sync.valid && (s.position-s.sync.taken)*syncCells < uint64(s.cols*s.rows) {
		return
	}
	s.cur.copyTo(&s.sync.grid)
	s.sync.taken, s.sync.valid = s.position, true
	s.sync.alternate, s.sync.cursor = s.cur == &s.alt, s.cursor()
	if s.touched {
		s.touched = false
		s.changed++
	}
}

func (s *Screen) endSync() { s.sync.open = false }
