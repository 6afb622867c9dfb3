package telegramtest

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// entityKind says how entities of a type combine with others.
type entityKind int

const (
	unknown   entityKind = iota
	plain                // bold and the like: nest freely, may be split
	block                // pre and code: contain nothing, sit only inside a quote
	solid                // links and the like: not split, do not overlap each other
	quote                // never nest
	automatic            // made by the service
)

func kindOf(name string) entityKind {
	switch name {
	case "bold", "italic", "underline", "strikethrough", "spoiler":
		return plain
	case "pre", "code":
		return block
	case "text_link", "text_mention", "custom_emoji", "date_time":
		return solid
	case "blockquote", "expandable_blockquote":
		return quote
	case "mention", "hashtag", "cashtag", "bot_command", "url", "email", "phone_number":
		return automatic
	}
	return unknown
}

func overlap(a, b Entity) bool {
	return a.Offset < b.Offset+b.Length && b.Offset < a.Offset+a.Length
}

func within(a, b Entity) bool { // a in b
	return a.Offset >= b.Offset && a.Offset+a.Length <= b.Offset+b.Length
}

// nest brings entities into the form that the service keeps: sorted, blocks
// empty of others, quotes side by side, styles split where they cross others,
// none of blanks only, at most 100. (td fix_entities)
func nest(text string, entities []Entity) []Entity {
	slices.SortStableFunc(entities, outerFirst)
	apart := true
	for i := 1; i < len(entities); i++ {
		apart = apart && !overlap(entities[i-1], entities[i])
	}
	if apart && len(entities) <= maxEntities {
		return entities
	}
	var kept []Entity
	for _, e := range entities {
		if kindOf(e.Type) == quote && !slices.ContainsFunc(kept, func(k Entity) bool { return overlap(e, k) }) {
			kept = append(kept, e)
		}
	}
	for _, e := range entities {
		if k := kindOf(e.Type); k != block && k != solid {
			continue
		}
		crosses := slices.ContainsFunc(kept, func(k Entity) bool {
			if !overlap(e, k) {
				return false
			}
			return kindOf(k.Type) != quote || !within(e, k)
		})
		if !crosses {
			kept = append(kept, e)
		}
	}
	fixed := len(kept)
	for _, e := range entities {
		if kindOf(e.Type) == plain {
			kept = splitInto(kept, e, fixed)
		}
	}
	kept = slices.DeleteFunc(kept, func(e Entity) bool {
		from := byteOf(text, e.Offset)
		return strings.Trim(text[from:from+byteOf(text[from:], e.Length)], " \n") == ""
	})
	if len(kept) > maxEntities {
		kept = kept[:maxEntities] // blocks and links stand first
	}
	slices.SortStableFunc(kept, outerFirst)
	return kept
}

// splitInto adds a style, cut at the edges of the first n entities and left
// out inside blocks and where the same style is already.
func splitInto(kept []Entity, e Entity, n int) []Entity {
	cuts := []int{e.Offset, e.Offset + e.Length}
	for i, k := range kept {
		if i < n || k.Type == e.Type {
			cuts = append(cuts, k.Offset, k.Offset+k.Length)
		}
	}
	slices.Sort(cuts)
	for i := 1; i < len(cuts); i++ {
		part := e
		part.Offset, part.Length = cuts[i-1], cuts[i]-cuts[i-1]
		if part.Length == 0 || !within(part, e) {
			continue
		}
		taken := slices.ContainsFunc(kept, func(k Entity) bool {
			return overlap(part, k) && (k.Type == e.Type || kindOf(k.Type) == block)
		})
		if !taken {
			kept = append(kept, part)
		}
	}
	return kept
}

// addAutomatic adds what the service finds in a text by itself: commands,
// mentions, hashtags and addresses outside blocks and links. It knows fewer
// top-level domains than the real one.
func addAutomatic(text string, entities []Entity) []Entity {
	if !strings.ContainsAny(text, "/@#.") {
		return entities
	}
	found := findAutomatic(text)
	added := false
	for _, f := range found {
		taken := slices.ContainsFunc(entities, func(e Entity) bool {
			k := kindOf(e.Type)
			return overlap(f, e) && (k == block || k == solid || k == automatic)
		})
		if !taken {
			entities = append(entities, f)
			added = true
		}
	}
	if added {
		slices.SortStableFunc(entities, outerFirst)
	}
	return entities
}

func wordByte(c byte) bool {
	return c == '_' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
}

// findAutomatic scans a text once; offsets are in UTF-16 units.
func findAutomatic(text string) (found []Entity) {
	unit := 0
	before := rune(0) // the symbol before i
	for i := 0; i < len(text); {
		kind, n := automaticAt(text[i:], before)
		if n > 0 {
			piece := text[i : i+n]
			found = append(found, Entity{Type: kind, Offset: unit, Length: units(piece)})
			unit += units(piece)
			i += n
			before, _ = utf8.DecodeLastRuneInString(piece)
			continue
		}
		r, size := utf8.DecodeRuneInString(text[i:])
		before = r
		i += size
		unit++
		if r >= 0x10000 {
			unit++
		}
	}
	return found
}

func isWord(r rune) bool { return r == '_' || unicode.IsLetter(r) || unicode.IsDigit(r) }

// automaticAt is the automatic entity that begins right here, n bytes long.
func automaticAt(text string, before rune) (kind string, n int) {
	switch c := text[0]; {
	case c == '/':
		if isWord(before) || before == '/' || before == '<' || before == '>' {
			return "", 0
		}
		n = 1 + wordLength(text[1:], 64)
		if n == 1 {
			return "", 0
		}
		if n < len(text) && text[n] == '@' {
			if name := wordLength(text[n+1:], 32); name >= 3 {
				n += 1 + name
			}
		}
		if after, _ := utf8.DecodeRuneInString(text[n:]); isWord(after) || after == '/' || after == '<' || after == '>' {
			return "", 0
		}
		return "bot_command", n
	case c == '@' && !isWord(before):
		if n = wordLength(text[1:], 32); n >= 3 {
			return "mention", n + 1
		}
	case c == '#' && !isWord(before):
		for _, r := range text[1:] {
			if !isWord(r) {
				break
			}
			n += utf8.RuneLen(r)
		}
		if n > 0 && strings.ContainsFunc(text[1:n+1], unicode.IsLetter) {
			return "hashtag", n + 1
		}
	case wordByte(c) && !isWord(before):
		return addressAt(text)
	}
	return "", 0
}

func wordLength(text string, limit int) (n int) {
	for n < len(text) && n < limit && wordByte(text[n]) {
		n++
	}
	return n
}

var topDomains = map[string]bool{"com": true, "org": true, "net": true, "io": true, "dev": true, "de": true,
	"ru": true, "me": true, "uk": true, "eu": true, "app": true, "info": true, "sh": true, "py": true, "rs": true}

func addressAt(text string) (string, int) {
	end := strings.IndexFunc(text, func(r rune) bool { return unicode.IsSpace(r) || strings.ContainsRune(`<>"'`, r) })
	if end < 0 {
		end = len(text)
	}
	token := strings.TrimRight(text[:end], ".,:;!?)]}")
	for _, scheme := range []string{"http://", "https://", "ftp://", "tg://"} {
		if len(token) > len(scheme) && strings.EqualFold(token[:len(scheme)], scheme) {
			return "url", len(token)
		}
	}
	host := token
	if i := strings.IndexAny(host, "/:?#"); i >= 0 {
		host = host[:i]
	}
	name, address := "url", host
	if user, domain, ok := strings.Cut(host, "@"); ok && user != "" {
		name, address = "email", domain
	}
	dot := strings.LastIndexByte(address, '.')
	if dot <= 0 || !topDomains[strings.ToLower(address[dot+1:])] || strings.Trim(address, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-") != "" {
		return "", 0
	}
	if name == "email" {
		return name, len(host)
	}
	return name, len(token)
}
