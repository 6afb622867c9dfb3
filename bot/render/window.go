package render

import (
	"errors"

	"chapi/bot"
)

// Window implements bot.Renderer.
func (Renderer) Window([]byte, bot.Masker) (bot.Window, error) {
	return nil, errors.New("not yet")
}
