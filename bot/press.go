package bot

import (
	"context"
	"errors"
	"time"
)

// This file makes calls of pressed buttons.

// press makes an entry of a pressed button. The button's handle only finds
// what was recorded; nothing in it is believed.
func (r *Reception) press(ctx context.Context, m Message, p Principal) (*Entry, string, error) {
	const old = "That button is too old to work. /ps shows what is running, /help what else there is."
	handle, row, column, ok := ParseData(m.Button)
	if !ok {
		return nil, old, nil
	}
	k, room, spent, err := r.Store.Keyboard(ctx, handle)
	switch {
	case errors.Is(err, ErrNotFound):
		return nil, old, nil
	case err != nil:
		return nil, "", err
	case room != m.Thread.Room(), row >= len(k.Rows), row < len(k.Rows) && column >= len(k.Rows[row]):
		return nil, old, nil
	case k.Only != (Account{}) && k.Only != m.Account:
		return nil, "These buttons are for somebody else.", nil
	case spent:
		return nil, "That button has been used already.", nil
	case !k.Expires.IsZero() && time.Now().After(k.Expires):
		return nil, "That question has expired. Send the command again.", nil
	}
	b := k.Rows[row][column]
	call := Call{Command: b.Command, Args: b.Args, Session: k.Session}
	if b.Repeat != 0 {
		if call, err = r.Store.Call(ctx, b.Repeat); errors.Is(err, ErrNotFound) {
			return nil, old, nil
		} else if err != nil {
			return nil, "", err
		}
	}
	c, ok := r.Parser.Command(call.Command)
	if !ok {
		return nil, old, nil
	}
	if !p.May(c.Role) {
		return nil, denied(p, c), nil
	}
	if notice := r.Session.Dead(ctx, k.Session); notice != "" && c.Effect != Reads {
		return nil, notice, nil
	}
	entry := r.enter(m, p, c, Call{Args: call.Args, Session: call.Session, Files: call.Files, Text: call.Text})
	if k.Once {
		entry.Press = handle
		entry.Say = append(entry.Say, r.decided(ctx, k, b)...)
	}
	return entry, "", nil
}

// decided edits a question that has been answered: its buttons go, and what was
// chosen stays to be read.
func (r *Reception) decided(ctx context.Context, k Keyboard, chosen Button) []Delivery {
	id := k.Asked
	for _, row := range k.Rows {
		for _, b := range row {
			if id == 0 {
				id = b.Repeat
			}
		}
	}
	if id == 0 {
		return nil
	}
	asked, err := r.Store.Call(ctx, id)
	if err != nil {
		return nil
	}
	return []Delivery{answer(asked, 0, Post{Text: []Span{
		{Style: Code, Text: clip(asked.Text, 200)}, {Text: "\n→ " + chosen.Label},
	}})}
}
