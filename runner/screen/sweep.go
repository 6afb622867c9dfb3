package screen

// sweepPause is how many characters that found no room come before the next
// sweep, when the last one freed little: a sweep looks at all there is.
const sweepPause = 4096

// sweep frees styles and clusters that nothing shows any more. If too many
// styles are left, the history loses all of its: what is visible goes first.
// It is false if a sweep would come too soon.
func (s *Screen) sweep() bool {
	if s.sweepWait > 0 {
		s.sweepWait--
		return false
	}
	s.freeUnused()
	if len(s.styles.list)-len(s.styles.free) > maxStyles/2 {
		s.flattenHistory()
		s.freeUnused()
	}
	room := func(list, free, limit int) bool { return limit-list+free >= limit/8 }
	if !room(len(s.styles.list), len(s.styles.free), maxStyles) || !room(len(s.clusters.list), len(s.clusters.free), maxClusters) {
		s.sweepWait = sweepPause
	}
	return true
}

// freeUnused finds the styles and clusters in use and frees the others.
func (s *Screen) freeUnused() {
	looks := make([]bool, len(s.styles.list))
	texts := make([]bool, len(s.clusters.list))
	see := func(c cell) {
		looks[c.style()] = true
		if c&cellCluster != 0 {
			texts[c&cellValue] = true
		}
	}
	for _, g := range []*grid{&s.normal.grid, &s.alt.grid, &s.sync.grid} {
		for y := range g.rows {
			r := g.row(y)
			see(r.fill)
			for _, c := range g.line(y)[:r.used] {
				see(c)
			}
		}
	}
	see(s.paint)
	see(s.blank)
	s.history.each(func(encoded []byte) {
		r := readRow(encoded)
		see(r.row.fill)
		for {
			_, _, index, more := r.next()
			if !more {
				break
			}
			looks[index] = true
		}
	})
	s.clusters.sweep(texts)
	s.styles.sweep(looks)
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
