package telegramtest

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// Limits of text (td MessageContent; tdlib/telegram-bot-api get_formatted_text).
const (
	maxRequestText = 1 << 15 // bytes as sent
	maxText        = 4096    // code points as stored
	maxCaption     = 1024
	maxEntities    = 100
	maxEntityBytes = 9500 // JSON of the entities; above: ENTITIES_TOO_LONG
)

func runes(s string) int { return utf8.RuneCountInString(s) }

// textOf reads a text parameter with its entities or parse mode, and returns
// both as they are stored. An absent parameter is an empty text.
func (s *Server) textOf(rq *request, name, entitiesName string) (string, []Entity, error) {
	text := rq.arg(name)
	return s.formatted(rq, text, rq.arg("parse_mode"), rq.arg(entitiesName))
}

func (s *Server) formatted(rq *request, sent, mode, entityJSON string) (string, []Entity, error) {
	if len(sent) > maxRequestText {
		return "", nil, badRequest("text is too long")
	}
	if sent == "" {
		return "", nil, nil
	}
	text, entities, err := sent, []Entity(nil), error(nil)
	switch mode := strings.ToLower(mode); mode {
	case "", "none":
		entities, err = parseEntities(rq, entityJSON)
	case "html":
		text, entities, err = parseHTML(sent)
	case "markdownv2":
		text, entities, err = parseMarkdown(sent)
	default:
		err = badRequest("unsupported parse_mode")
	}
	if err != nil {
		return "", nil, err
	}
	given := len(entities)
	stored, kept, err := settle(text, entities)
	if err != nil {
		return "", nil, err
	}
	if strings.TrimRight(text, " \n") != stored {
		rq.remark(fmt.Sprintf("the text was changed by cleaning: %.40q", text))
	}
	if n := countUser(kept); n < given {
		rq.remark(fmt.Sprintf("%d of %d entities were dropped", given-n, given))
	}
	return stored, kept, nil
}

func countUser(entities []Entity) (n int) {
	for _, e := range entities {
		if kindOf(e.Type) != automatic {
			n++
		}
	}
	return n
}

// settle cleans, trims and formats a text the way the service stores it. A text
// without anything to see becomes empty.
func settle(text string, entities []Entity) (string, []Entity, error) {
	text, entities, err := clean(text, entities)
	if err != nil {
		return "", nil, err
	}
	if blank(text) {
		return "", nil, nil
	}
	entities = nest(text, entities)
	text, entities = trim(text, entities)
	if len(entities) > 10 && len(appendEntities(nil, entities, nil)) > maxEntityBytes {
		return "", nil, badRequest("ENTITIES_TOO_LONG")
	}
	return text, addAutomatic(text, entities), nil
}

// edge is one end of an entity while a text is being cleaned.
type edge struct {
	offset int // UTF-16, in the text as sent
	entity int
	end    bool
}

// clean removes and replaces what the service does not store, and moves the
// entities along (td clean_input_string_with_entities): control characters
// become spaces, CR, U+2028..202E, U+030A, U+0333 and U+033F go. Entities of
// blanks only are dropped.
func clean(text string, entities []Entity) (string, []Entity, error) {
	edges := make([]edge, 0, 2*len(entities))
	kept := make([]Entity, 0, len(entities))
	for _, e := range entities {
		if e.Offset < 0 || e.Offset > 1_000_000 {
			return "", nil, badRequest(fmt.Sprintf("Receive an entity with incorrect offset %d", e.Offset))
		}
		if e.Length < 0 || e.Length > 1_000_000 {
			return "", nil, badRequest(fmt.Sprintf("Receive an entity with incorrect length %d", e.Length))
		}
		if e.Length == 0 {
			continue
		}
		edges = append(edges, edge{e.Offset, len(kept), false}, edge{e.Offset + e.Length, len(kept), true})
		kept = append(kept, e)
	}
	slices.SortStableFunc(edges, func(a, b edge) int { return cmp.Compare(a.offset, b.offset) })
	starts := make([]int, len(kept)) // byte offsets in out

	out := make([]byte, 0, len(text))
	was, is, next := 0, 0, 0 // UTF-16 offsets as sent and as stored; next edge
	visible := make([]bool, len(kept))
	mark := func(pos int) error {
		for next < len(edges) && edges[next].offset <= was {
			g := edges[next]
			if g.offset < was {
				what := "begins"
				if g.end {
					what = "ends"
				}
				return badRequest(fmt.Sprintf("Entity %s in a middle of a UTF-16 symbol at byte offset %d", what, pos))
			}
			e := &kept[g.entity]
			if g.end {
				e.Length = is - e.Offset
				visible[g.entity] = len(bytes.Trim(out[starts[g.entity]:], " \n")) > 0
			} else {
				e.Offset = is
				starts[g.entity] = len(out)
			}
			next++
		}
		return nil
	}
	for pos := 0; pos < len(text); {
		if err := mark(pos); err != nil {
			return "", nil, err
		}
		c := text[pos]
		if c < utf8.RuneSelf {
			switch {
			case c == '\r':
				is--
			case c < 0x20 && c != '\n':
				out = append(out, ' ')
			default:
				out = append(out, c)
			}
			pos, was, is = pos+1, was+1, is+1
			continue
		}
		r, n := utf8.DecodeRuneInString(text[pos:])
		width := 1
		if r >= 0x10000 {
			width = 2
		}
		if r >= 0x2028 && r <= 0x202e || r == 0x030a || r == 0x0333 || r == 0x033f {
			is -= width
		} else {
			out = append(out, text[pos:pos+n]...)
		}
		pos, was, is = pos+n, was+width, is+width
	}
	if err := mark(len(text)); err != nil {
		return "", nil, err
	}
	if next < len(edges) {
		e := entities[slices.IndexFunc(entities, func(e Entity) bool { return e.Offset+e.Length > was })]
		return "", nil, badRequest(fmt.Sprintf("Entity beginning at UTF-16 offset %d ends after the end of the text at UTF-16 offset %d",
			e.Offset, was))
	}
	i := 0
	kept = slices.DeleteFunc(kept, func(Entity) bool { i++; return !visible[i-1] })
	return neutralize(string(out)), kept, nil
}

// neutralize turns all but the last of a run of direction marks into U+200C
// (td replace_offending_characters).
func neutralize(text string) string {
	if !strings.Contains(text, "\u200e") && !strings.Contains(text, "\u200f") {
		return text
	}
	rs := []rune(text)
	direction := func(r rune) bool { return r == 0x200e || r == 0x200f }
	for i := 0; i+1 < len(rs); i++ {
		if direction(rs[i]) && direction(rs[i+1]) {
			rs[i] = 0x200c
		}
	}
	return string(rs)
}

// blank tells whether a text shows nothing (td strip_empty_characters).
func blank(text string) bool {
	for _, r := range text {
		switch {
		case r == ' ', r == '\n', r == 0x7f, r == 0xa0, r == 0xad, r == 0x1680, r == 0x180e,
			r >= 0x2000 && r <= 0x200f, r >= 0x202a && r <= 0x202f, r >= 0x205f && r <= 0x2064,
			r == 0x2800, r == 0x3000, r == 0xfeff, r == 0xfffc, r >= 0xe0000 && r <= 0xe007f:
		default:
			return false
		}
	}
	return true
}

// trim removes trailing blanks, and leading ones up to the first entity.
func trim(text string, entities []Entity) (string, []Entity) {
	cut, limit := 0, len(text)
	if len(entities) > 0 {
		limit = entities[0].Offset // leading blanks are a byte and a unit each
	}
	for cut < len(text) && cut < limit && (text[cut] == ' ' || text[cut] == '\n') {
		cut++
	}
	text = strings.TrimRight(text[cut:], " \n")
	if len(entities) == 0 {
		return text, nil
	}
	end := units(text)
	kept := entities[:0]
	for _, e := range entities {
		e.Offset -= cut
		e.Length = min(e.Length, end-e.Offset)
		if e.Length > 0 {
			kept = append(kept, e)
		}
	}
	return text, kept
}

// units is the length of a text in UTF-16 code units.
func units(s string) (n int) {
	for i := 0; i < len(s); i++ {
		c := s[i]
		switch {
		case c&0xc0 == 0x80: // inside a symbol
		case c >= 0xf0:
			n += 2
		default:
			n++
		}
	}
	return n
}

// jsonNumber accepts a number or a string with one, as the real server does.
type jsonNumber int64

func (n *jsonNumber) UnmarshalJSON(b []byte) error {
	v, ok := parseInt(strings.Trim(string(b), `"`))
	if !ok {
		return fmt.Errorf("must be of type Number")
	}
	*n = jsonNumber(v)
	return nil
}

type sentEntity struct {
	Type     *string     `json:"type"`
	Offset   *jsonNumber `json:"offset"`
	Length   *jsonNumber `json:"length"`
	URL      *string     `json:"url"`
	Language string      `json:"language"`
	EmojiID  string      `json:"custom_emoji_id"`
	UnixTime jsonNumber  `json:"unix_time"`
	Format   string      `json:"date_time_format"`
	User     *struct {
		ID jsonNumber `json:"id"`
	} `json:"user"`
}

// parseEntities reads the entities parameter. What is no JSON array is ignored
// without an error; a wrong element is an error. (get_formatted_text,
// get_text_entity)
func parseEntities(rq *request, text string) ([]Entity, error) {
	if text == "" {
		return nil, nil
	}
	var elements []json.RawMessage
	if err := json.Unmarshal([]byte(text), &elements); err != nil || elements == nil {
		rq.remark("entities were ignored: not a JSON array")
		return nil, nil
	}
	entities := make([]Entity, 0, len(elements))
	for _, raw := range elements {
		e, err := parseEntity(raw)
		if err != nil {
			return nil, badRequest("Can't parse MessageEntity: " + err.Error())
		}
		if e.Type == "" {
			continue
		}
		entities = append(entities, e)
	}
	slices.SortStableFunc(entities, outerFirst)
	return entities, nil
}

func outerFirst(a, b Entity) int {
	return cmp.Or(cmp.Compare(a.Offset, b.Offset), cmp.Compare(b.Length, a.Length))
}

// parseEntity reads one element; an automatic kind is skipped: its Type is
// empty then.
func parseEntity(raw json.RawMessage) (Entity, error) {
	if raw[0] != '{' {
		return Entity{}, fmt.Errorf("expected an Object")
	}
	var p sentEntity
	if err := json.Unmarshal(raw, &p); err != nil {
		return Entity{}, fmt.Errorf("wrong type of a field")
	}
	switch {
	case p.Offset == nil:
		return Entity{}, missing("offset")
	case p.Length == nil:
		return Entity{}, missing("length")
	case p.Type == nil:
		return Entity{}, missing("type")
	}
	e := Entity{Type: *p.Type, Offset: int(*p.Offset), Length: int(*p.Length)}
	switch kindOf(e.Type) {
	case automatic:
		return Entity{}, nil
	case unknown:
		return Entity{}, fmt.Errorf("unsupported type specified")
	}
	switch e.Type {
	case "pre":
		e.Language = p.Language
	case "text_link":
		if p.URL == nil {
			return Entity{}, missing("url")
		}
		e.URL = *p.URL
	case "text_mention":
		if p.User == nil {
			return Entity{}, missing("user")
		}
		e.User = int64(p.User.ID)
	case "custom_emoji":
		e.EmojiID = p.EmojiID
	case "date_time":
		e.UnixTime, e.Format = int64(p.UnixTime), p.Format
	}
	return e, nil
}

// missing is the server's own sentence, capital letter and all.
func missing(field string) error { return apiText("Can't find field \"" + field + "\"") }

// apiText is an error in the words of the server.
type apiText string

func (t apiText) Error() string { return string(t) }
