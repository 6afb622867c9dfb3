package render

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"slices"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// forms lists the byte strings by which a secret may be seen: itself, and as
// programs and protocols write it: base64, hexadecimal, percent-encoded and in
// JSON strings. Each is at least as long as the secret.
func forms(secret string) [][]byte {
	all := []string{
		secret,
		hex.EncodeToString([]byte(secret)),
		strings.ToUpper(hex.EncodeToString([]byte(secret))),
	}
	all = append(all, base64Forms(secret)...)
	all = append(all, percentForms(secret)...)
	all = append(all, jsonForms(secret)...)

	var distinct [][]byte
	for _, f := range all {
		if !slices.ContainsFunc(distinct, func(d []byte) bool { return string(d) == f }) {
			distinct = append(distinct, []byte(f))
		}
	}
	return distinct
}

// base64Forms are the characters that are the same wherever the secret stands
// in encoded data: for each of its three alignments those that hold bits of
// nothing else (RFC 4648, sections 4 and 5).
func base64Forms(secret string) []string {
	var all []string
	for _, encoding := range []*base64.Encoding{base64.RawStdEncoding, base64.RawURLEncoding} {
		for before := range 3 {
			text := encoding.EncodeToString([]byte(strings.Repeat("\x00", before) + secret))
			first := (8*before + 5) / 6
			end := 8 * (before + len(secret)) / 6
			all = append(all, text[first:end])
		}
	}
	return all
}

// percentForms are the secret in addresses and forms (RFC 3986, section 2.1).
// What need not be encoded differs from program to program.
func percentForms(secret string) []string {
	var all []string
	for _, digits := range []string{"0123456789ABCDEF", "0123456789abcdef"} {
		for _, kept := range []string{"-._~", "-._~/", "-._~!'()*", "-._~!'()*;,/?:@&=+$#", "-._~$&+=:@"} {
			escaped := percent(secret, kept, digits)
			all = append(all, escaped, strings.ReplaceAll(escaped, "%20", "+"))
		}
	}
	return all
}

func percent(s, kept, digits string) string {
	var b strings.Builder
	for i := range len(s) {
		c := s[i]
		switch {
		case c >= '0' && c <= '9', c >= 'A' && c <= 'Z', c >= 'a' && c <= 'z', strings.IndexByte(kept, c) >= 0:
			b.WriteByte(c)
		default:
			b.Write([]byte{'%', digits[c>>4], digits[c&15]})
		}
	}
	return b.String()
}

// jsonForms are the secret within a JSON string (RFC 8259, section 7): with
// the characters of HTML escaped, as encoding/json does, or only what must be,
// or with everything beyond ASCII escaped too; slashes either way.
func jsonForms(secret string) []string {
	if !utf8.ValidString(secret) {
		return nil
	}
	html, _ := json.Marshal(secret) // a string has no error
	var plain bytes.Buffer
	encoder := json.NewEncoder(&plain)
	encoder.SetEscapeHTML(false)
	_ = encoder.Encode(secret) // nor has a buffer

	var all []string
	for _, quoted := range []string{string(html), strings.TrimSuffix(plain.String(), "\n")} {
		inner := quoted[1 : len(quoted)-1]
		for _, f := range []string{inner, asciiJSON(inner)} {
			all = append(all, f, strings.ReplaceAll(f, "/", `\/`))
		}
	}
	return all
}

func asciiJSON(s string) string {
	var b strings.Builder
	for _, r := range s {
		if r < utf8.RuneSelf {
			b.WriteRune(r)
			continue
		}
		for _, unit := range utf16.Encode([]rune{r}) {
			b.WriteString(`\u`)
			b.WriteString(hex.EncodeToString([]byte{byte(unit >> 8), byte(unit)}))
		}
	}
	return b.String()
}

// hide is the byte that secrets are overwritten with.
const hide = '*'

// closed adds to the patterns what the longer ones look like once shorter ones
// within them have been overwritten: "secret1-and-more" must not end as
// "*******-and-more". The result is free of patterns that are all hide.
func closed(patterns [][]byte) [][]byte {
	slices.SortFunc(patterns, func(a, b []byte) int {
		if len(a) != len(b) {
			return len(a) - len(b)
		}
		return bytes.Compare(a, b)
	})
	var all [][]byte
	known := make(map[string]bool)
	for _, p := range patterns {
		shorter := all
		text := bytes.Clone(p)
		for !known[string(text)] && bytes.Count(text, []byte{hide}) < len(text) {
			known[string(text)] = true
			all = append(all, bytes.Clone(text))
			start, end := firstEnding(text, shorter)
			if end == 0 {
				break
			}
			overwrite(text[start:end])
		}
	}
	return all
}

// firstEnding finds the pattern in text that ends first, the longest of those.
// end is 0 if there is none.
func firstEnding(text []byte, patterns [][]byte) (start, end int) {
	for _, p := range patterns {
		i := bytes.Index(text, p)
		if i < 0 || len(p) == len(text) {
			continue
		}
		if e := i + len(p); end == 0 || e < end || e == end && i < start {
			start, end = i, e
		}
	}
	return start, end
}

func overwrite(p []byte) {
	for i := range p {
		p[i] = hide
	}
}
