package bot

// PageSize is the room that a page of output has.
type PageSize struct {
	Text  int  // most text, in UTF-16 code units if UTF16, else in code points
	UTF16 bool // the unit of Text
	Lines int  // most lines; 0 = no limit
}

// Paper lays out the bytes of one page of session output as a line terminal
// would show them: carriage returns, backspaces and erasing take effect,
// colours and other control sequences vanish, what is not UTF-8 is shown as
// U+FFFD. It is not safe for concurrent use.
type Paper interface {
	// Write lays out a chunk. Chunks come in order; where one begins later
	// than the last ended, output is missing and the paper says so in a line
	// of its own. Pictures are a line that has their numbers. full is true once
	// the page has no room for all of it; what is written after that is ignored.
	Write(c Chunk) (full bool)
	// Text is the page as it stands. It fits the PageSize. Lines of standard
	// error begin with a mark if the page knows both streams.
	Text() string
	// Covers is the journal offset behind the last byte that this page shows:
	// where the next page begins once it is full. It never lies inside a
	// character, an escape sequence or, if the line fits a page, a line.
	Covers() int64
}

// Renderer makes pages. bot/watch.go calls it.
type Renderer interface {
	// Window reads the state of a terminal as Runner.Screen gave it. What m
	// knows as a secret is hidden in it.
	Window(state []byte, m Masker) (Window, error)
	// Paper is an empty page whose first byte is at offset from.
	Paper(size PageSize, from int64) Paper
	// Tail lays out the end of some output: the last lines of the chunks that
	// fit one page. from is the offset of the first byte shown.
	Tail(size PageSize, chunks []Chunk) (text string, from int64)
	// Coloured is a page's text for Span.Coloured, from the output that it was made
	// of; empty when it has no colours, or is not that output as it stands.
	Coloured(text string, output []byte) string
	// Picture looks at the first bytes of some output, at least 16 if there
	// are as many, and tells the file extension (".png", ".jpg", ".gif",
	// ".webp") if they begin a picture; else "".
	Picture(head []byte) string
}

// Masker hides the configured secrets in everything that leaves the process.
// It is safe for concurrent use.
type Masker interface {
	// Mask overwrites each secret in p with as many asterisks, so that offsets
	// stay true. It returns how many bytes at the end of p may be the
	// beginning of a secret: they are to be offered again with what follows.
	Mask(p []byte) (held int)
	// Text is s without secrets.
	Text(s string) string
}
