// Package display reads a terminal's screen for a person: as text with exact
// columns, with its secrets hidden, and what the program on it waits for. It
// knows nothing of escape sequences, of pictures or of chats.
package display
