// Package screen is a terminal emulator: bytes of a session in, a grid of
// cells out. It knows nothing of processes, journals or chats.
package screen
