package screen

// sweepPause is how many characters that found no room come at least before
// the next sweep, when the last one freed little.
const sweepPause = 4096

// sweepStyles frees styles that nothing shows any more. If too many are left,
// the history loses all of its: what is visible goes first. It is false if a
// sweep would come too soon: looking at all there is must not cost more than
// what is drawn meanwhile.
func (s *Screen) sweepStyles() bool {
	if s.sweepWait > 0 {
		s.sweepWait--
		return false
	}
	s.freeStyles()
	if s.styles.room() < maxStyles/2 {
		s.flattenHistory()
		s.freeStyles()
	}
	if s.styles.room() < maxStyles/8 {
		s.sweepWait = max(sweepPause, (s.history.bytes+s.cols*s.rows)/16)
	}
	return true
}

// sweepClusters does the same for clusters. The history has its own copies of
// their texts.
func (s *Screen) sweepClusters() bool {
	if s.clusterWait > 0 {
		s.clusterWait--
		return false
	}
	s.freeClusters()
	if s.clusters.room() < maxClusters/8 {
		s.clusterWait = max(sweepPause, s.cols*s.rows/16)
	}
	return true
}

// eachCell calls f with all cells there are outside the history.
func (s *Screen) eachCell(f func(cell)) {
	for _, g := range []*grid{&s.normal.grid, &s.alt.grid, &s.sync.grid} {
		for y := range g.rows {
			r := g.row(y)
			f(r.fill)
			for _, c := range g.line(y)[:r.used] {
				f(c)
			}
		}
	}
	f(s.paint)
	f(s.blank)
}

func (s *Screen) freeClusters() {
	used := make([]bool, len(s.clusters.list))
	s.eachCell(func(c cell) {
		if c&cellCluster != 0 {
			used[c&cellValue] = true
		}
	})
	s.clusters.sweep(used)
}

func (s *Screen) freeStyles() {
	used := make([]bool, len(s.styles.list))
	s.eachCell(func(c cell) { used[c.style()] = true })
	s.history.each(func(encoded []byte) {
		r := readRow(encoded)
		used[r.row.fill.style()] = true
		for {
			_, _, index, more := r.next()
			if !more {
				break
			}
			used[index] = true
		}
	})
	s.styles.sweep(used)
}

// flattenHistory takes all styles from the history.
func (s *Screen) flattenHistory() {
	flat := history{limit: s.history.limit}
	w := rowWriter{}
	s.history.each(func(encoded []byte) {
		r := readRow(encoded)
		for {
			text, columns, _, more := r.next()
			if !more {
				break
			}
			w.add(text, columns, 0)
		}
		r.row.fill = 0
		flat.push(w.row(r.row))
	})
	s.history = flat
}
