package console

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"chapi/bot"
)

// question is a keyboard that waits for a number. The zero value is none.
type question struct {
	message  bot.MessageID
	keyboard *bot.Keyboard
}

// ask makes the keyboard of a message the open question and returns its
// choices as text. A keyboard that a later revision takes away is closed.
func (c *Console) ask(k *bot.Keyboard, id bot.MessageID) string {
	c.mu.Lock()
	defer c.mu.Unlock()
	if k == nil || len(k.Rows) == 0 {
		if c.question.message == id {
			c.question = question{}
		}
		return ""
	}
	c.question = question{message: id, keyboard: k}
	n := 0
	var rows []string
	for _, row := range k.Rows {
		var choices []string
		for _, b := range row {
			n++
			choices = append(choices, fmt.Sprintf("[%d] %s", n, clean(b.Label)))
		}
		rows = append(rows, strings.Join(choices, "  "))
	}
	return strings.Join(rows, "\n")
}

// answer takes a line as the answer to the open question, if it is the number
// of one of its choices, and closes it.
func (c *Console) answer(line string) (data string, id bot.MessageID, ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	q := c.question
	number, err := strconv.Atoi(strings.TrimSpace(line))
	if err != nil || number < 1 || q.keyboard == nil {
		return "", "", false
	}
	if !q.keyboard.Expires.IsZero() && time.Now().After(q.keyboard.Expires) {
		return "", "", false
	}
	for r, row := range q.keyboard.Rows {
		if number <= len(row) {
			c.question = question{}
			return q.keyboard.Data(r, number-1), q.message, true
		}
		number -= len(row)
	}
	return "", "", false
}
