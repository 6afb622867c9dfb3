package render

import (
	"bytes"
	"slices"
	"sort"

	"chapi/bot"
)

// Tail lays out the last lines of the chunks that fit one page. It begins at
// the start of a line; within one only if the last line that has text is
// longer than a page. from is the offset of the first byte shown: a Paper
// from there shows the same. The chunks are in order and are not retained. It
// takes time in proportion to their length and little memory besides.
func (Renderer) Tail(size bot.PageSize, chunks []bot.Chunk) (text string, from int64) {
	chunks = behindScreen(chunks)
	if len(chunks) == 0 {
		return "", 0
	}
	places, last := startingPlaces(size, chunks)
	for _, place := range places {
		if paper := NewPaper(size, place); !layOut(paper, chunks) {
			return paper.Text(), place
		}
	}
	return last.Text(), last.sheet.from
}

// behindScreen leaves out what was drawn on the alternate screen, where the
// chunks begin in the middle of that: its end comes first then.
func behindScreen(chunks []bot.Chunk) []bot.Chunk {
	on, off := []byte("\x1b[?1049h"), []byte("\x1b[?1049l")
	for i, c := range chunks {
		begin, end := bytes.Index(c.Data, on), bytes.Index(c.Data, off)
		switch {
		case end >= 0 && (begin < 0 || end < begin):
			end += len(off)
			rest := c
			rest.From, rest.Data = c.From+int64(end), c.Data[end:]
			return append([]bot.Chunk{rest}, chunks[i+1:]...)
		case begin >= 0:
			return chunks
		}
	}
	return chunks
}

// tailPages is how many quarter pages certainly hold a page: any two that
// follow each other hold a quarter, or as many lines as a page may have.
const tailPages = 10

// startingPlaces pages the chunks by quarters, and from the last ones collects
// the offsets at which a page that shows the end may begin, best first. last
// is the last quarter page, which fits in any case.
func startingPlaces(size bot.PageSize, chunks []bot.Chunk) (places []int64, last *Paper) {
	quarter := size
	quarter.Text = max(size.Text/4, minText)
	var pages []*Paper
	paper := NewPaper(quarter, chunks[0].From)
	for layOut(paper, chunks) {
		if pages = append(pages, paper); len(pages) > tailPages {
			pages = slices.Delete(pages, 0, 1)
		}
		paper = NewPaper(quarter, paper.Covers())
	}
	pages = append(pages, paper)

	return choose(size, starts(pages, chunks[0].From)), paper
}

// start is where a page could begin that goes to the end of the output.
type start struct {
	at    int64
	units int  // length of the text from there on
	rows  int  // lines from there on
	cut   bool // it lies within a line
}

// starts lists the beginnings of the pages' lines, and of pages within a line,
// from the last to the first. begin is where the output begins.
func starts(pages []*Paper, begin int64) []start {
	var found []start
	units, rows := 0, 0
	joined := true // the line belongs to the one behind it, or needs no newline
	for i := len(pages) - 1; i >= 0; i-- {
		s := &pages[i].sheet
		cut := i == 0 && s.from != begin || i > 0 && pages[i-1].sheet.tail == brokenTail
		for k := len(s.rows) - 1; k >= s.first(); k-- {
			units += s.rows[k].units
			if !joined {
				units++
			}
			if !joined || rows == 0 && !s.rows[k].empty() {
				rows++
			}
			within := cut && k == 0
			found = append(found, start{at: s.rows[k].born, units: units, rows: rows, cut: within})
			joined = within
		}
	}
	return found
}

// choose lists the starts from which a page should fit, best first: the
// earliest line; but one within a line if that shows far more, because the
// last lines are short and the one before them is longer than a page.
func choose(size bot.PageSize, found []start) (places []int64) {
	var line, cut start
	for _, s := range found {
		if s.units > size.Text || size.Lines > 0 && s.rows > size.Lines {
			break
		}
		if s.cut {
			cut = s
			continue
		}
		line = s
		places = append(places, s.at)
	}
	slices.Reverse(places)
	if line.units < size.Text/4 && cut.units > line.units {
		places = slices.Insert(places, 0, cut.at)
	}
	return places[:min(len(places), maxTries)]
}

// maxTries is how often a page may turn out not to fit, because a program
// repainted lines that the quarter pages had apart.
const maxTries = 4

// layOut writes the chunks from where the paper begins, until it is full.
func layOut(paper *Paper, chunks []bot.Chunk) (full bool) {
	i := sort.Search(len(chunks), func(i int) bool {
		return chunks[i].From+int64(len(chunks[i].Data)) > paper.next
	})
	for ; i < len(chunks) && !full; i++ {
		full = paper.Write(chunks[i])
	}
	return full
}
