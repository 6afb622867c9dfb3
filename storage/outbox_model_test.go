package storage_test

import (
	"cmp"
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"chapi/bot"
	"chapi/storage"
)

// TestTheOutboxDoesWhatItsContractSaysInAnyOrderOfEvents plays random events on
// the outbox and on a simple model of it, and compares what is to be sent next.
func TestTheOutboxDoesWhatItsContractSaysInAnyOrderOfEvents(t *testing.T) {
	db := open(t, t.TempDir(), storage.Options{})
	games := 0
	rapid.Check(t, func(r *rapid.T) {
		games++
		g := &game{
			T: r, db: db, test: t,
			rooms: []bot.Thread{
				{Adapter: "net", Chat: bot.ChatID(fmt.Sprint(games, " a"))},
				{Adapter: "net", Chat: bot.ChatID(fmt.Sprint(games, " b"))},
			},
			slots: map[slotKey]*modelSlot{}, flying: map[bot.Thread]*flight{}, now: time.Unix(1_800_000_000, 0),
		}
		r.Repeat(map[string]func(*rapid.T){
			"put":     func(r *rapid.T) { g.T = r; g.put() },
			"attempt": func(r *rapid.T) { g.T = r; g.attempt() },
			"settle":  func(r *rapid.T) { g.T = r; g.settle() },
			"wait":    func(r *rapid.T) { g.now = g.now.Add(time.Hour) },
			"":        func(r *rapid.T) { g.T = r; g.compare() },
		})
	})
}

type (
	game struct {
		*rapid.T
		test   *testing.T
		db     *storage.DB
		rooms  []bot.Thread // this game's own
		now    time.Time
		texts  int
		rows   []*modelRow // in the order they were put
		slots  map[slotKey]*modelSlot
		flying map[bot.Thread]*flight // what is being sent, by room
	}
	slotKey struct {
		home bot.Thread
		name bot.Slot
	}
	modelSlot struct {
		target   bot.MessageID
		redirect *bot.Thread
	}
	modelRow struct {
		room      bot.Thread
		slot      *modelSlot // nil when it stands for itself
		text      string
		final     bool
		doubt     bool
		mark      string
		attempts  int
		notBefore time.Time
	}
	flight struct {
		d   bot.Delivery
		row *modelRow
	}
)

func (m *modelRow) target() bot.MessageID {
	if m.slot == nil {
		return ""
	}
	return m.slot.target
}

func (m *modelRow) turn() int {
	switch {
	case m.target() == "":
		return 0
	case m.final:
		return 1
	default:
		return 2
	}
}

func (g *game) must(err error) {
	g.Helper()
	if err != nil {
		g.Fatal(err)
	}
}

// slot is the slot that a put into the room means.
func (g *game) slot(room bot.Thread, name bot.Slot) *modelSlot {
	if s, ok := g.slots[slotKey{room, name}]; ok {
		return s
	}
	for key, s := range g.slots {
		if key.name == name && s.redirect != nil && *s.redirect == room {
			return s
		}
	}
	s := &modelSlot{}
	g.slots[slotKey{room, name}] = s
	return s
}

func (g *game) put() {
	room := rapid.SampledFrom(g.rooms).Draw(g.T, "room")
	name := rapid.SampledFrom([]bot.Slot{"", "a", "b"}).Draw(g.T, "slot")
	final := rapid.IntRange(0, 3).Draw(g.T, "final") == 3
	g.texts++
	text := fmt.Sprint(g.texts)
	g.must(g.db.Put(g.test.Context(), bot.Delivery{Thread: room, Slot: name, Final: final, Post: bot.Plainf("%s", text)}))

	row := &modelRow{room: room, text: text, final: final}
	if name != "" {
		row.slot = g.slot(room, name)
		if row.slot.redirect != nil {
			row.room = *row.slot.redirect
		}
		for _, waits := range g.rows {
			if waits.slot == row.slot {
				waits.text, waits.final = text, final
				return
			}
		}
	}
	g.rows = append(g.rows, row)
}

// due is what the model would send next in the room.
func (g *game) due(room bot.Thread) (row *modelRow, at time.Time) {
	var here []*modelRow
	for _, m := range g.rows {
		if m.room == room {
			here = append(here, m)
		}
	}
	slices.SortStableFunc(here, func(a, b *modelRow) int { return cmp.Compare(a.turn(), b.turn()) })
	blocked := false
	for _, m := range here {
		if m.turn() == 0 && blocked {
			continue
		}
		if !m.notBefore.After(g.now) {
			return m, time.Time{}
		}
		blocked = blocked || m.turn() == 0
		if at.IsZero() || m.notBefore.Before(at) {
			at = m.notBefore
		}
	}
	return nil, at
}

func (g *game) compare() {
	for _, room := range g.rooms {
		want, wantAt := g.due(room)
		got, at, ok, err := g.db.Next(g.test.Context(), room, false, g.now)
		g.must(err)
		if ok != (want != nil) || !at.Equal(wantAt) {
			g.Fatalf("%s: got %v at %v, want %+v at %v", room, ok, at, want, wantAt)
		}
		if !ok {
			continue
		}
		if got.Post.String() != want.text || got.Final != want.final || got.Target != want.target() ||
			got.Doubt != want.doubt || got.Mark != want.mark || got.Attempts != want.attempts || got.Thread != want.room {
			g.Fatalf("%s: got %+v, want %+v with target %q", room, got, want, want.target())
		}
	}
}

func (g *game) attempt() {
	room := rapid.SampledFrom(g.rooms).Draw(g.T, "room")
	row, _ := g.due(room)
	if row == nil || g.flying[room] != nil {
		return
	}
	d, _, _, err := g.db.Next(g.test.Context(), room, false, g.now)
	g.must(err)
	mark := rapid.SampledFrom([]string{"m1", "m2"}).Draw(g.T, "mark")
	g.must(g.db.Attempt(g.test.Context(), d.ID, mark))
	g.flying[room] = &flight{d, row}
	row.attempts++
	if !row.doubt {
		row.mark = mark
	}
	row.doubt = true
}

func (g *game) settle() {
	room := rapid.SampledFrom(g.rooms).Draw(g.T, "room")
	f := g.flying[room]
	if f == nil {
		return
	}
	delete(g.flying, room)
	row, newer := f.row, f.row.text != f.d.Post.String()
	remove := func() { g.rows = slices.DeleteFunc(g.rows, func(m *modelRow) bool { return m == row }) }
	calm := func(doubt bool) {
		if row.doubt = doubt; !doubt {
			row.mark = ""
		}
	}
	later := g.now.Add(time.Duration(rapid.IntRange(0, 3).Draw(g.T, "hours")) * time.Hour)

	var result bot.Result
	switch rapid.SampledFrom([]string{"sent", "sent", "not yet", "doubt", "elsewhere", "reset", "dropped"}).Draw(g.T, "result") {
	case "sent":
		message := bot.MessageID(rapid.SampledFrom([]string{"10", "20"}).Draw(g.T, "message"))
		result.Receipt = &bot.Receipt{Message: message, At: g.now}
		if row.slot != nil {
			row.slot.target = message
		}
		if newer {
			row.attempts, row.notBefore = 0, time.Time{}
			calm(false)
		} else {
			remove()
		}
	case "not yet":
		result.NotBefore, row.notBefore = later, later
		calm(f.d.Doubt)
	case "doubt":
		result.Doubt, result.NotBefore, row.notBefore = true, later, later
	case "elsewhere":
		to := rapid.SampledFrom(g.rooms).Draw(g.T, "to")
		result.Thread, row.room, row.notBefore = &to, to, time.Time{}
		if row.slot != nil {
			row.slot.target, row.slot.redirect = "", &to
		}
		calm(false)
	case "reset":
		result.Reset, row.notBefore = true, time.Time{}
		if row.slot != nil {
			row.slot.target = ""
		}
		calm(false)
	case "dropped":
		result.Dropped = "no"
		if newer {
			row.notBefore = time.Time{}
			calm(f.d.Doubt)
		} else {
			remove()
		}
	}
	g.must(g.db.Settle(g.test.Context(), f.d, result))
}
