// Package screen is a terminal emulator: bytes of a session in, a grid of
// cells out. It knows nothing of processes, journals or chats.
//
// # Use
//
// New makes a screen, Write draws, View and Lines show, Answers gives what the
// program that asked expects as its input. How the bytes were split makes no
// difference, so the screen at any offset of a journal can be rebuilt by
// writing the journal up to there; Checkpoint and Restore spare the most of
// it.
//
// # What is understood
//
// What TERM=xterm-256color promises, by xterm's "Control Sequences" and the
// VT220 manual: cursor movement, erasing, inserting and deleting, scroll
// regions, origin, insert and wrap modes, tabs, REP; the alternate screen (47,
// 1047, 1049); SGR with the palette, true colour and kinds of underlines as
// one; DEC's line drawing in G0 to G3; application cursor keys and keypad,
// bracketed paste, focus events, mouse modes and encodings, cursor shapes;
// titles and their stack; the palette (OSC 4, 104); shell marks (OSC 133);
// synchronized updates (2026).
// Each code point is as wide as the C library counts it.
//
// Answered are the device attributes, the status and cursor reports, window
// sizes, DECRQM, DECRQSS, XTGETTCAP, XTVERSION, colours, and, with nothing in
// them, titles and the clipboard. Answers are input: none repeats what the
// program has written.
//
// Where xterm and tmux differ, tmux is followed: erasing behind a character in
// the last column leaves it. tmux's ED 2 moves the screen to its history; ours,
// as xterm's, does not.
//
// # What is ignored
//
// C1 controls in their 8-bit form, pictures, hyperlinks (their text is drawn),
// left and right margins, 132 columns, protected cells, double-sized lines,
// national character sets, setting the clipboard, resizing by the program,
// bells.
//
// # Bounds
//
// A screen of c columns, r rows and h lines of history holds at most 24*c*r
// bytes of cells (normal, alternate, and the last frame of an update), 512*h
// bytes of history and a block of 64 KB, and tables of styles and clusters of
// about a megabyte each. Strings are cut after 4 KB and given up after 16 MB,
// answers stop at 4 KB. The time for a byte is bounded by the size of the screen,
// that for all bytes by their number.
package screen
