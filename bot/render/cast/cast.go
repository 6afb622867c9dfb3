// Package cast writes recordings of terminals in asciicast v2, the format of
// asciinema: a line of JSON that describes the terminal, then a line for every
// event. It knows nothing of chats.
package cast

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"time"
	"unicode/utf8"

	"chapi/bot"
	"chapi/bot/render/replay"
)

// Header describes a recording. Everything may be empty.
type Header struct {
	Title string
	// Term and Shell are the variables TERM and SHELL of the session.
	Term, Shell string
	// Idle is the longest pause that a player should make; it is rounded up to
	// milliseconds.
	Idle time.Duration
}

// header is the first line (asciicast v2, "Header").
type header struct {
	Version   int               `json:"version"`
	Width     int               `json:"width"`
	Height    int               `json:"height"`
	Timestamp int64             `json:"timestamp,omitempty"`
	IdleLimit float64           `json:"idle_time_limit,omitempty"`
	Title     string            `json:"title,omitempty"`
	Env       map[string]string `json:"env,omitempty"`
}

// Write writes a source as a recording. Times are those since its first piece.
// Secrets are hidden, also where pieces divide them; a character that is
// divided comes whole with its last byte; what is not UTF-8 becomes U+FFFD.
// What was typed is never in it. A nil masker hides nothing.
func Write(w io.Writer, s replay.Source, h Header, m bot.Masker) error {
	out := &writer{w: bufio.NewWriter(w), masker: m}
	for {
		data, at, size, err := s.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return fmt.Errorf("read output for recording: %w", err)
		}
		out.piece(data, at, size, h)
	}
	out.end(h)
	if err := out.w.Flush(); err != nil {
		return fmt.Errorf("write recording: %w", err)
	}
	return nil
}

// writer keeps what is not written yet. Errors stay in w until it is flushed.
type writer struct {
	w      *bufio.Writer
	masker bot.Masker
	begun  bool
	clock  replay.Clock
	at     time.Duration
	size   bot.Size
	carry  []byte // may be the beginning of a secret or of a character
}

func (w *writer) piece(data []byte, at time.Time, size bot.Size, h Header) {
	known := size.Cols > 0 && size.Rows > 0
	if !w.begun {
		if !known {
			size = replay.DefaultSize
		}
		w.head(size, at, h)
	}
	w.at = w.clock.At(at)
	if known && size != w.size {
		// What is held back comes after it: a secret may go on behind a resize.
		w.event("r", fmt.Sprintf("%dx%d", size.Cols, size.Rows))
		w.size = size
	}
	w.output(data, false)
}

func (w *writer) end(h Header) {
	if !w.begun {
		w.head(replay.DefaultSize, time.Time{}, h)
	}
	w.output(nil, true)
}

func (w *writer) head(size bot.Size, at time.Time, h Header) {
	w.begun, w.size = true, size
	line := header{
		Version: 2, Width: int(size.Cols), Height: int(size.Rows),
		IdleLimit: float64((h.Idle+time.Millisecond-1)/time.Millisecond) / 1000,
		Title:     h.Title,
	}
	if !at.IsZero() {
		line.Timestamp = at.Unix()
	}
	if w.masker != nil {
		line.Title = w.masker.Text(line.Title)
	}
	for name, value := range map[string]string{"TERM": h.Term, "SHELL": h.Shell} {
		if value != "" {
			if line.Env == nil {
				line.Env = make(map[string]string)
			}
			line.Env[name] = value
		}
	}
	w.json(line)
	w.w.WriteByte('\n')
}

// output writes what is complete of the output; all of it if nothing follows.
func (w *writer) output(data []byte, all bool) {
	w.carry = append(w.carry, data...)
	ready := len(w.carry)
	if w.masker != nil {
		held := w.masker.Mask(w.carry)
		if !all {
			ready -= held
		}
	}
	if !all {
		ready = whole(w.carry[:ready])
	}
	if ready == 0 {
		return
	}
	// Marshalling replaces what is not UTF-8.
	w.event("o", string(w.carry[:ready]))
	w.carry = append(w.carry[:0], w.carry[ready:]...)
}

// whole is how many bytes of p are left without a character that is not
// complete at its end.
func whole(p []byte) int {
	for back := 1; back < utf8.UTFMax && back <= len(p); back++ {
		if i := len(p) - back; utf8.RuneStart(p[i]) {
			if !utf8.FullRune(p[i:]) {
				return i
			}
			break
		}
	}
	return len(p)
}

// event writes a line ("Event stream"): seconds, code, data.
func (w *writer) event(code, data string) {
	w.w.WriteByte('[')
	w.w.WriteString(strconv.FormatFloat(w.at.Seconds(), 'f', 6, 64))
	w.w.WriteString(`, "` + code + `", `)
	w.json(data)
	w.w.WriteString("]\n")
}

func (w *writer) json(v any) {
	line, err := json.Marshal(v)
	if err != nil {
		panic("cast: " + err.Error()) // strings and numbers always marshal
	}
	w.w.Write(line)
}
