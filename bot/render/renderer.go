package render

import (
	"chapi/bot"
	"chapi/bot/render/display"
)

// Renderer makes pages. The zero value is ready, and safe for concurrent use.
type Renderer struct{}

var _ bot.Renderer = Renderer{}

// Paper is an empty page whose first byte is at offset from. See [NewPaper].
func (Renderer) Paper(size bot.PageSize, from int64) bot.Paper { return NewPaper(size, from) }

// Coloured implements bot.Renderer.
func (Renderer) Coloured(text string, output []byte) string {
	coloured, _ := display.ColouredOutput(text, output)
	return coloured
}
