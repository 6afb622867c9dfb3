package render

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

const token = "123456789:AAE-x_Y/z+w hé\"<&>\\q0123456789ab"

func stars(n int) string { return strings.Repeat("*", n) }

func TestMaskerHidesEveryFormOfASecret(t *testing.T) {
	m := NewMasker(token)
	quoted, _ := json.Marshal(token)
	var plain bytes.Buffer
	e := json.NewEncoder(&plain)
	e.SetEscapeHTML(false)
	e.Encode(token)
	tests := []struct{ form, text string }{
		{"itself", token},
		{"hexadecimal", hex.EncodeToString([]byte(token))},
		{"hexadecimal in capitals", strings.ToUpper(hex.EncodeToString([]byte(token)))},
		{"a query", url.QueryEscape(token)},
		{"a path", url.PathEscape(token)},
		{"a query in small letters", lowerEscapes(url.QueryEscape(token))},
		{"JSON", strings.Trim(string(quoted), `"`)},
		{"JSON with HTML as it is", strings.Trim(strings.TrimSpace(plain.String()), `"`)},
		{"JSON in ASCII", `123456789:AAE-x_Y/z+w h\u00e9\"<&>\\q0123456789ab`},
	}
	for _, tt := range tests {
		t.Run(tt.form, func(t *testing.T) {
			want := "a " + stars(len(tt.text)) + " b"
			if got := m.Text("a " + tt.text + " b"); got != want {
				t.Errorf("got %q\nwant %q", got, want)
			}
		})
	}
	for _, encoding := range []*base64.Encoding{base64.StdEncoding, base64.URLEncoding, base64.RawStdEncoding, base64.RawURLEncoding} {
		for before := range 7 {
			for after := range 4 {
				text := encoding.EncodeToString([]byte(strings.Repeat("u", before) + token + strings.Repeat("v", after)))
				got := m.Text(text)
				// At either end a character may hold bits of both.
				if n := strings.Count(got, "*"); n < len(token)*8/6-1 || len(got) != len(text) {
					t.Errorf("base64, %d bytes before and %d after: %s", before, after, got)
				}
			}
		}
	}
}

func lowerEscapes(s string) string {
	b := []byte(s)
	for i := range b {
		if b[i] == '%' {
			copy(b[i:], bytes.ToLower(b[i:i+3]))
		}
	}
	return string(b)
}

func TestMasker(t *testing.T) {
	tests := []struct {
		rule       string
		secrets    []string
		text, want string
	}{
		{"no secret, nothing hidden", nil, "plain text", "plain text"},
		{"short secrets are not taken", []string{"", "secret7"}, "secret7", "secret7"},
		{"each secret, each time", []string{"password1", "password2"}, "password1,password2,password1", "*********,*********,*********"},
		{"one within another leaves nothing of the longer", []string{"secret-inside", "a-secret-inside-b"}, "a-secret-inside-b secret-inside", stars(17) + " " + stars(13)},
		{"one that begins another leaves nothing of it", []string{"password", "password-and-more"}, "password-and-more passwords", stars(17) + " ********s"},
		{"one that ends another leaves nothing of it", []string{"password", "my-password"}, "my-password", stars(11)},
		{"one twice in another leaves nothing of it", []string{"password", "x-password-y-password-z"}, "x-password-y-password-z", stars(23)},
		{"what ends first is hidden first", []string{"abcdefgh", "efghijkl"}, "abcdefghijkl", "********ijkl"},
		{"a beginning alone is not hidden", []string{"password"}, "passwor passwo", "passwor passwo"},
		{"a secret after a false start", []string{"aaaaaaab"}, "aaaaaaaaaaaab", "aaaaa********"},
		{"asterisks are harmless", []string{"********", "pass*****word"}, "******** pass*****word **", "******** " + stars(13) + " **"},
	}
	for _, tt := range tests {
		t.Run(tt.rule, func(t *testing.T) {
			m := NewMasker(tt.secrets...)
			if got := m.Text(tt.text); got != tt.want {
				t.Errorf("Text(%q)\n got %q\nwant %q", tt.text, got, tt.want)
			}
			for cut := range tt.text {
				if got := masked(m, []byte(tt.text), []int{cut}); got != tt.want {
					t.Errorf("cut at %d: got %q\nwant %q", cut, got, tt.want)
				}
			}
		})
	}
}

func TestMaskTellsWhatMayBeTheBeginningOfASecret(t *testing.T) {
	m := NewMasker("password")
	for text, want := range map[string]int{"": 0, "xyz": 0, "p": 1, "xpassw": 5, "passwor": 7, "password": 0, "passpass": 4, "passwordp": 1} {
		if held := m.Mask([]byte(text)); held != want {
			t.Errorf("Mask(%q) holds %d, want %d", text, held, want)
		}
	}
}

func TestAddRefuses(t *testing.T) {
	m := NewMasker()
	for secret, want := range map[string]error{
		"":                                ErrShortSecret,
		"seven77":                         ErrShortSecret,
		"eight888":                        nil,
		strings.Repeat("x", maxSecret+1):  ErrLongSecret,
		strings.Repeat("yz", maxSecret/2): nil,
	} {
		if err := m.Add(secret); !errors.Is(err, want) {
			t.Errorf("Add of %d bytes: %v, want %v", len(secret), err, want)
		}
	}
	for i := range maxSecrets - 2 {
		m.secrets[fmt.Sprint("filler ", i)] = true
	}
	if err := m.Add("one too many"); !errors.Is(err, ErrManySecrets) {
		t.Errorf("Add beyond the bound: %v", err)
	}
	if err := m.Add("eight888"); err != nil {
		t.Errorf("Add of a known secret: %v", err)
	}
}

func TestMaskerIsSafeForConcurrentUse(t *testing.T) {
	m := NewMasker("password")
	var wg sync.WaitGroup
	for i := range 4 {
		wg.Go(func() {
			for k := range 20 {
				m.Add(fmt.Sprintf("secret-%d-%d", i, k))
				if got := m.Text("a password"); got != "a ********" {
					t.Errorf("got %q", got)
				}
			}
		})
	}
	wg.Wait()
}

// masked masks p as a stream cut at the given places.
func masked(m *Masker, p []byte, cuts []int) string {
	var done, held []byte
	last := 0
	for _, cut := range append(cuts, len(p)) {
		piece := append(held, p[last:cut]...)
		n := len(piece) - m.Mask(piece)
		done = append(done, piece[:n]...)
		held = bytes.Clone(piece[n:])
		last = cut
	}
	return string(append(done, held...))
}

func cutsOf(n int, seed uint64) []int {
	r := rand.New(rand.NewPCG(seed, 4))
	var cuts []int
	for at := 0; at < n; at += 1 + r.IntN(9) {
		cuts = append(cuts, at)
	}
	return cuts
}

func TestMaskingAStreamIsMaskingTheWhole(t *testing.T) {
	// Two letters make secrets that overlap and contain each other.
	secret := rapid.StringMatching(`[ab]{8,14}|[ab*]{8,12}|[a-z]{8,10}`)
	rapid.Check(t, func(t *rapid.T) {
		secrets := rapid.SliceOfN(secret, 1, 5).Draw(t, "secrets")
		m := NewMasker(secrets...)
		part := rapid.OneOf(rapid.SampledFrom(secrets), rapid.StringMatching(`[ab*]{0,12}`), rapid.StringMatching(`[a-z]{0,9}`))
		text := strings.Join(rapid.SliceOfN(part, 0, 12).Draw(t, "text"), "")
		whole := m.Text(text)
		if split := masked(m, []byte(text), cutsOf(len(text), rapid.Uint64().Draw(t, "seed"))); split != whole {
			t.Fatalf("secrets %q, text %q\nsplit %q\nwhole %q", secrets, text, split, whole)
		}
		checkMasked(t, secrets, text, whole)
	})
}

func checkMasked(t interface{ Fatalf(string, ...any) }, secrets []string, text, got string) {
	if len(got) != len(text) {
		t.Fatalf("length %d, want %d", len(got), len(text))
	}
	for i := range len(text) {
		if got[i] != text[i] && got[i] != hide {
			t.Fatalf("byte %d of %q is %q", i, text, got[i])
		}
	}
	for _, s := range secrets {
		if len(s) < minSecret || strings.Trim(s, "*") == "" {
			continue
		}
		for i := range len(text) - len(s) + 1 {
			if text[i:i+len(s)] == s && got[i:i+len(s)] == s {
				t.Fatalf("secret %q survives in %q", s, got)
			}
		}
	}
}

func FuzzMasker(f *testing.F) {
	f.Add("password", "my-password-x", []byte("my-password my-password-x"), uint64(1))
	f.Add("aaaaaaab", "abaaaaaaab", []byte("aaaaaaaaabaaaaaaaab"), uint64(2))
	f.Add(token, "********x", []byte(token+"*********x"), uint64(3))
	f.Fuzz(func(t *testing.T, s1, s2 string, text []byte, seed uint64) {
		if len(s1) > 64 || len(s2) > 64 {
			return
		}
		m := NewMasker(s1, s2)
		for _, hay := range []string{string(text), string(text) + s1 + s2, s1[:len(s1)/2] + s2 + s1[len(s1)/2:]} {
			whole := m.Text(hay)
			if split := masked(m, []byte(hay), cutsOf(len(hay), seed)); split != whole {
				t.Fatalf("secrets %q %q, text %q\nsplit %q\nwhole %q", s1, s2, hay, split, whole)
			}
			checkMasked(t, []string{s1, s2}, hay, whole)
		}
	})
}

type credential struct{ Name, Key string }

func (c *credential) String() string { return c.Name + "=" + c.Key }

type resolver string

func (r resolver) LogValue() slog.Value { return slog.GroupValue(slog.String("inner", string(r))) }

func TestMaskingHandlerHidesSecretsWhereverTheyAre(t *testing.T) {
	const secret = "s3cr3t-t0ken"
	m := NewMasker(secret)
	for name, handler := range map[string]func(io.Writer) slog.Handler{
		"text": func(w io.Writer) slog.Handler { return slog.NewTextHandler(w, nil) },
		"json": func(w io.Writer) slog.Handler { return slog.NewJSONHandler(w, nil) },
	} {
		t.Run(name, func(t *testing.T) {
			var b bytes.Buffer
			log := slog.New(m.MaskingHandler(handler(&b)))
			log = log.With("with", secret).WithGroup("group").With("in", "x"+secret)
			log.Info("message "+secret,
				"string", secret,
				"err", fmt.Errorf("get %s: %w", "https://host/bot"+secret+"/getMe", io.EOF),
				"stringer", &credential{"n", secret},
				"struct", credential{"n", secret},
				"pointer", struct{ C *struct{ Key string } }{&struct{ Key string }{secret}},
				"bytes", []byte(secret),
				"slice", []string{secret},
				"valuer", resolver(secret),
				slog.Group("inner", "a", secret),
				"number", 7,
			)
			if got := b.String(); strings.Contains(got, secret) || !strings.Contains(got, "number") || !strings.Contains(got, "https://host/bot************/getMe: EOF") {
				t.Error(got)
			}
		})
	}
}

func TestMaskingHandlerLeavesHarmlessValuesAsTheyAre(t *testing.T) {
	var masked, plain bytes.Buffer
	noTime := &slog.HandlerOptions{ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
		if a.Key == slog.TimeKey {
			return slog.Attr{}
		}
		return a
	}}
	for _, log := range []*slog.Logger{
		slog.New(NewMasker("s3cr3t-t0ken").MaskingHandler(slog.NewJSONHandler(&masked, noTime))),
		slog.New(slog.NewJSONHandler(&plain, noTime)),
	} {
		log.WithGroup("g").Info("m", "err", io.EOF, "struct", credential{"a", "b"}, "n", 1, "t", true)
		log.Debug("not enabled")
	}
	if diff := cmp.Diff(plain.String(), masked.String()); diff != "" {
		t.Errorf("(-plain +masked):\n%s", diff)
	}
}

func TestMaskingWriter(t *testing.T) {
	m := NewMasker("password")
	var b bytes.Buffer
	w := m.MaskingWriter(&b)
	for _, piece := range []string{"a pass", "word, pass", "wor", "k, pas"} {
		if n, err := io.WriteString(w, piece); n != len(piece) || err != nil {
			t.Fatalf("Write(%q) = %d, %v", piece, n, err)
		}
	}
	if got, want := b.String(), "a ********, passwork, "; got != want {
		t.Errorf("before Close: %q, want %q", got, want)
	}
	if err := w.Close(); err != nil || b.String() != "a ********, passwork, pas" {
		t.Errorf("after Close: %q, %v", b.String(), err)
	}

	r, broken := io.Pipe()
	r.Close()
	w = m.MaskingWriter(broken)
	if _, err := io.WriteString(w, "text"); !errors.Is(err, io.ErrClosedPipe) {
		t.Errorf("Write to a broken writer: %v", err)
	}
}

func BenchmarkMask(b *testing.B) {
	log := []byte(strings.Repeat("2026-01-02T15:04:05Z INFO request served path=/api/v1/items/12345 status=200 bytes=5123\n", 700))
	for _, secrets := range []int{0, 1, 5, 6} {
		var list []string
		for i := range secrets {
			list = append(list, fmt.Sprintf("%d23456789:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw%d", i, i))
		}
		if secrets == 6 {
			list = append(list, "pass/111") // a short one leaves less to skip
		}
		m := NewMasker(list...)
		for name, data := range map[string][]byte{"log": log, "zeros": make([]byte, len(log)), "stars": bytes.Repeat([]byte("*"), len(log))} {
			b.Run(fmt.Sprintf("%d secrets/%s", secrets, name), func(b *testing.B) {
				b.SetBytes(int64(len(data)))
				for b.Loop() {
					m.Mask(data)
				}
			})
		}
	}
}
