// Package render turns session output into pages of text that fit a network's
// limits, and hides secrets in everything that leaves the process.
//
// A [Paper] is a line terminal. Bytes go through three steps, a file each:
//
//	parser     bytes become characters and control sequences    parser.go
//	sheet      which change lines, as a terminal's would         sheet.go, cursor.go, line.go
//	paper      the lines become the page's text                  paper.go
//
// A program that paints the full screen gets a grid of its own (screen.go),
// shown while it runs. A [Masker] finds secrets with an automaton
// (automaton.go) built from all the forms that a secret takes (pattern.go).
//
// The package knows nothing of chats, sessions or the networks' protocols.
package render
