// Package picture draws a terminal's screen: cells in, a paletted image or a
// PNG out. It knows nothing of escape sequences, sessions or chats, and hides
// no secrets: what it is given is drawn.
//
// Letters come from DejaVu Sans Mono, lines, blocks, braille and the like are
// drawn by code so that they join from cell to cell, and what DejaVu lacks
// (Chinese, emoji) comes from GNU Unifont. A character that none of them has is
// a box with its code. The same screen always gives the same pixels.
package picture
