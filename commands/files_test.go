package commands

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"chapi/bot"
)

// filed is a world whose programs run as the account of the test.
func filed(t *testing.T) *world {
	t.Helper()
	w := newWorld(t)
	w.direct = true
	w.spec.User = ""
	return w
}

func (w *world) has(name, content string) string {
	w.t.Helper()
	path := filepath.Join(w.home, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		w.t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		w.t.Fatal(err)
	}
	return path
}

func (w *world) holds(name string) string {
	w.t.Helper()
	content, err := os.ReadFile(filepath.Join(w.home, name))
	if err != nil {
		w.t.Fatal(err)
	}
	return string(content)
}

// sent is the content of the only file that was sent, and its name.
func (w *world) sent() (name string, content []byte) {
	w.t.Helper()
	for _, p := range w.reply.posts {
		if p.Media != nil {
			content, err := os.ReadFile(p.Media.Path)
			if err != nil || !p.Media.Own {
				w.t.Fatalf("sent %+v: %v", p.Media, err)
			}
			return p.Media.Name, content
		}
	}
	w.t.Fatalf("no file was sent; said: %s", w.reply.text())
	return "", nil
}

// press does what a button of the last answer does.
func (w *world) press(label string) error {
	w.t.Helper()
	for _, p := range w.reply.posts {
		if p.Keyboard == nil {
			continue
		}
		for _, row := range p.Keyboard.Rows {
			for _, b := range row {
				if b.Label != label {
					continue
				}
				c, ok := w.args.Command(b.Command)
				if !ok {
					w.t.Fatalf("button %s makes a call of %q", label, b.Command)
				}
				w.more = b.Args
				defer func() { w.more = nil }()
				return w.call(c, bot.Args{}, "/"+c.Name, "")
			}
		}
	}
	w.t.Fatalf("there is no button %s under: %s", label, w.reply.text())
	return nil
}

func (w *world) attaches(name, content string) {
	w.network[name] = content
	w.files = append(w.files, bot.Attachment{Name: name, Size: int64(len(content)), Ref: name})
}

func TestPartsJoinToTheSameBytes(t *testing.T) {
	w := filed(t)
	w.limits.Upload = 1000
	content := make([]byte, 3456)
	for i := range content {
		content[i] = byte(rand.Uint32())
	}
	w.has("big.bin", string(content))
	if got := w.do("get big.bin"); !strings.Contains(got, "this network takes 1.0 kB") || !strings.Contains(got, "4 parts") {
		t.Errorf("got %q", got)
	}
	dir := t.TempDir()
	last := ""
	for label := "Part 1 of 4"; ; {
		if err := w.press(label); err != nil {
			t.Fatal(err)
		}
		name, part := w.sent()
		if err := os.WriteFile(filepath.Join(dir, name), part, 0o600); err != nil {
			t.Fatal(err)
		}
		if last = w.reply.text(); strings.Contains(last, "join") {
			break
		}
		n, _ := strconv.Atoi(strings.TrimPrefix(name, "big.bin."))
		label = fmt.Sprintf("Part %d", n+1)
	}
	_, line, _ := strings.Cut(last, "To join them: ")
	join := exec.Command("sh", "-c", line)
	join.Dir = dir
	if out, err := join.CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", line, err, out)
	}
	got, err := os.ReadFile(filepath.Join(dir, "big.bin"))
	if err != nil || !bytes.Equal(got, content) {
		t.Errorf("joined with %q: %d bytes, want the %d that were there (%v)", line, len(got), len(content), err)
	}
}

func TestPartsOfAFileThatChangedAreNotMixed(t *testing.T) {
	w := filed(t)
	w.limits.Upload = 1000
	w.has("log", strings.Repeat("x", 2500))
	w.do("get log")
	if err := w.press("Part 1 of 3"); err != nil {
		t.Fatal(err)
	}
	w.has("log", strings.Repeat("y", 2600))
	if err := w.press("Part 2"); err == nil || !strings.Contains(err.Error(), "has changed since its first part") {
		t.Errorf("got %v", err)
	}
}

func TestAFileThatIsTooLargeComesCompressedIfThatHelps(t *testing.T) {
	w := filed(t)
	w.limits.Upload = 1000
	w.has("zeros", strings.Repeat("0", 50_000))
	w.do("get zeros")
	if err := w.press("Compressed"); err != nil {
		t.Fatal(err)
	}
	name, content := w.sent()
	z, err := gzip.NewReader(bytes.NewReader(content))
	if err != nil {
		t.Fatal(err)
	}
	if got, _ := io.ReadAll(z); name != "zeros.gz" || len(got) != 50_000 {
		t.Errorf("%s has %d bytes", name, len(got))
	}
	noise := make([]byte, 5000)
	for i := range noise {
		noise[i] = byte(rand.Uint32())
	}
	w.has("noise", string(noise))
	if got := w.refused("get --gzip noise"); !strings.Contains(got, "/get --part 1 noise") {
		t.Errorf("got %q", got)
	}
}

func TestAFolderThatIsTooLargeCanBeKeptAsAnArchive(t *testing.T) {
	w := filed(t)
	w.limits.Upload = 300
	for i := range 30 {
		w.has(fmt.Sprintf("dir/%d.txt", i), strconv.FormatUint(rand.Uint64(), 36))
	}
	if got := w.do("get dir"); !strings.Contains(got, "dir.tar.gz is over 300 bytes") {
		t.Errorf("got %q", got)
	}
	if err := w.press("Keep it there"); err != nil {
		t.Fatal(err)
	}
	if len(w.holds("inbox/Ann/dir.tar.gz")) == 0 || !strings.Contains(w.reply.text(), "Stored dir.tar.gz") {
		t.Errorf("said %q", w.reply.text())
	}
}

func TestWhatIsSentIsACopyAndNoLinkIsFollowedForIt(t *testing.T) {
	w := filed(t)
	path := w.has("a.txt", "first")
	w.do("get a.txt")
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("/etc/passwd", path); err != nil {
		t.Fatal(err)
	}
	if _, content := w.sent(); string(content) != "first" {
		t.Errorf("sent %q", content)
	}
	if got := w.refused("get a.txt"); !strings.Contains(got, "links are not followed") {
		t.Errorf("got %q", got)
	}
}

func TestAHugeFileIsNotCopiedToBeRefused(t *testing.T) {
	w := filed(t)
	path := w.has("huge", "")
	if err := os.Truncate(path, 5<<30); err != nil {
		t.Fatal(err)
	}
	if got := w.do("get huge"); !strings.Contains(got, "5.37 GB") || !strings.Contains(got, "108 parts") {
		t.Errorf("got %q", got)
	}
	w.do("get --part 108 huge")
	if name, content := w.sent(); name != "huge.108" || int64(len(content)) != 5<<30-107*50e6 {
		t.Errorf("%s has %d bytes", name, len(content))
	}
	if got := w.do("ls huge"); !strings.Contains(got, "5.37 GB") {
		t.Errorf("got %q", got)
	}
	if got := w.refused("cat huge"); !strings.Contains(got, "not text") {
		t.Errorf("got %q", got)
	}
}

func TestTextIsShownInPieces(t *testing.T) {
	w := filed(t)
	var all strings.Builder
	for i := range 500 {
		fmt.Fprintf(&all, "line %d\n", i+1)
	}
	w.has("log", all.String())
	got := w.do("cat log")
	if !strings.HasPrefix(got, "line 1\n") || !strings.HasSuffix(got, "log, lines 1–80") {
		t.Errorf("got %q", got)
	}
	if err := w.press("More"); err != nil {
		t.Fatal(err)
	}
	if got := w.reply.text(); !strings.HasPrefix(got, "line 81\n") {
		t.Errorf("got %q", got)
	}
	if got := w.do("tail -n 2 log"); got != "line 499\nline 500\n" {
		t.Errorf("got %q", got)
	}
	if got := w.refused("cat --line 501 log"); !strings.Contains(got, "only 500 lines") {
		t.Errorf("got %q", got)
	}
	w.has("long", strings.Repeat("é", 9000)+"\nend\n")
	if got := w.do("cat long"); len([]rune(got)) > 3100 {
		t.Errorf("%d characters", len([]rune(got)))
	}
	w.has("empty", "")
	if got := w.do("cat empty"); !strings.Contains(got, "is empty") {
		t.Errorf("got %q", got)
	}
}

func TestFollowingAFileIsASessionOfTheCheckedPath(t *testing.T) {
	w := filed(t)
	path := w.has("log", "x\n")
	w.do("tail -f -n 5 log")
	want := []string{"tail", "-n", "5", "-F", "--", path}
	if len(w.reply.openings) != 1 || !slices.Equal(w.reply.openings[0].Spec.Argv, want) {
		t.Errorf("opened %+v, want %q", w.reply.openings, want)
	}
	os.Symlink("/etc/passwd", filepath.Join(w.home, "link"))
	w.refused("tail -f link")
}

func TestEditingKeepsWhatChatsLose(t *testing.T) {
	for _, c := range []struct{ rule, old, sent, want string }{
		{"the last line break", "a\nb\n", "a\nc", "a\nc\n"},
		{"that there is none", "a\nb", "a\nc\n", "a\nc"},
		{"line breaks of Windows", "a\r\nb\r\n", "a\nc", "a\r\nc\r\n"},
		{"an empty file gets a whole line", "", "a", "a\n"},
	} {
		w := filed(t)
		w.has("f", c.old)
		w.do("edit f\n" + c.sent)
		if w.holds("f") != c.old {
			t.Fatalf("%s: it was written without asking", c.rule)
		}
		if err := w.press("Write"); err != nil {
			t.Fatalf("%s: %v", c.rule, err)
		}
		if got := w.holds("f"); got != c.want {
			t.Errorf("%s: %q, want %q", c.rule, got, c.want)
		}
	}
}

func TestEditingShowsWhatChanges(t *testing.T) {
	w := filed(t)
	w.has("f", "1\n2\n3\n4\n5\n6\n7\n8\n9\n")
	got := w.do("edit f 1\n2\n3\n4\nfive\n6\n7\n8\nten")
	for _, want := range []string{"- 5\n", "+ five\n", "- 9\n", "+ ten"} {
		if !strings.Contains(got, want) {
			t.Errorf("%q is missing in\n%s", want, got)
		}
	}
	if strings.Contains(got, "  1\n") {
		t.Errorf("what is far from a change is shown:\n%s", got)
	}
	w.has("f", "changed meanwhile\n")
	if err := w.press("Write"); err == nil || !strings.Contains(err.Error(), "has changed since it was shown") {
		t.Errorf("got %v", err)
	}
	if got := w.holds("f"); got != "changed meanwhile\n" {
		t.Errorf("it has %q", got)
	}
}

func TestWhatCannotComeBackWholeIsNotEdited(t *testing.T) {
	w := filed(t)
	w.has("binary", "a\x00b")
	w.has("colours", "\x1b[31mred\n")
	w.has("secret", "token: s3cret\n")
	w.has("long", strings.Repeat("line\n", 2000))
	for name, want := range map[string]string{"binary": "not plain text", "colours": "not plain text", "secret": "has a secret", "long": "too long", "nothing": "no nothing"} {
		if got := w.refused("edit " + name); !strings.Contains(got, want) {
			t.Errorf("%s: got %q, want %q in it", name, got, want)
		}
	}
}

func TestDeletingAsksAndTheButtonDiesWithTheQuestion(t *testing.T) {
	w := filed(t)
	w.has("old", "x")
	w.refused("delete")
	got := w.do("rm old")
	k := w.reply.posts[0].Keyboard
	if !strings.Contains(got, "~/old – 1 byte") || k == nil || !k.Once || k.Only != ann || k.Expires.IsZero() {
		t.Errorf("asked %q with %+v", got, k)
	}
	if w.holds("old") != "x" {
		t.Error("it was deleted unasked")
	}
	if err := w.press("Delete"); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(w.home, "old")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("it is still there: %v", err)
	}
	for i := range maxRemoved + 1 {
		w.has(fmt.Sprintf("many/%d", i), "")
	}
	if got := w.refused("rm many/*"); !strings.Contains(got, "at most 20") {
		t.Errorf("got %q", got)
	}
	if got := w.do("rm many"); !strings.Contains(got, "a folder with 21 files") {
		t.Errorf("got %q", got)
	}
}

func TestMovingToAFolderOrANewName(t *testing.T) {
	w := filed(t)
	w.has("a", "x")
	w.has("dir/b", "")
	for line, want := range map[string]string{"mv a dir": "dir/a"} {
		w.do(line)
		if w.holds(want) != "x" {
			t.Errorf("/%s", line)
		}
	}
	w.do("mv dir/a c")
	if w.holds("dir/c") != "x" {
		t.Error("a bare name is not next to the file")
	}
	if got := w.refused("mv dir/c b"); !strings.Contains(got, "There is a b already") {
		t.Errorf("got %q", got)
	}
	w.refused("mv dir/c nowhere/at/all")
}

func TestFilesOfAMessageBecomeArguments(t *testing.T) {
	w := filed(t)
	w.attaches("a b'$(touch x).py", "print(1)")
	w.attaches("second.txt", "2")
	w.do("run python3 -u {file}")
	one, two := filepath.Join(w.home, "inbox/Ann", "a b'$(touch x).py"), filepath.Join(w.home, "inbox/Ann/second.txt")
	if got, want := w.reply.openings[0].Spec.Argv, []string{"python3", "-u", one, two}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	w.do("run cmp --file={file} x")
	if got := w.reply.openings[0].Spec.Argv[1]; got != "--file="+strings.Replace(one, ".py", "-2.py", 1) {
		t.Errorf("got %q", got)
	}
	w.do(`sh wc -l "$FILE"`)
	spec := w.reply.openings[0].Spec
	if spec.Argv[2] != `wc -l "$FILE"` || !strings.HasSuffix(lookup(spec.Env, "FILE"), "-3.py") || len(spec.Argv) != 6 {
		t.Errorf("got %q with FILE=%q", spec.Argv, lookup(spec.Env, "FILE"))
	}
	w.refused("sh wc {file}")
	w.do("run true")
	if !strings.Contains(w.reply.text(), "Stored 2 files") {
		t.Errorf("what a program does not ask for is not told of: %q", w.reply.text())
	}
	w.files = nil
	if got := w.refused("run python3 {file}"); !strings.Contains(got, "there is none") {
		t.Errorf("got %q", got)
	}
}

func TestAReplyToAFileIsAsGoodAsTheFile(t *testing.T) {
	w := filed(t)
	w.network["ref"] = "content"
	w.calls = []bot.Call{{ID: 7, Command: "put", Message: "31", Claim: bot.Claim{Account: ann, Thread: w.thread}, Files: []bot.Attachment{{Name: "f.txt", Ref: "ref"}}}}
	w.answers = map[bot.MessageID]bot.CallID{"32": 7}
	for _, w.replyTo = range []bot.MessageID{"31", "32"} {
		w.do("put sub")
		w.do("run cat {file}")
		if argv := w.reply.openings[0].Spec.Argv; len(argv) != 2 {
			t.Errorf("replying to %s: %q", w.replyTo, argv)
		}
	}
	if w.holds("sub/f.txt") != "content" || w.holds("sub/f-2.txt") != "content" {
		t.Error("not stored")
	}
	w.replyTo = "33"
	w.refused("put sub")
}

func TestCodeGoesToTheRunnerOfItsLanguage(t *testing.T) {
	for _, c := range []struct {
		language, code string
		runner         string // "" = refused
	}{
		{"python", "print(1)", "python3"},
		{"Python3", "print(1)", "python3"},
		{"", "#!/usr/bin/env -S python3 -u\nprint(1)", "python3"},
		{"", "#!/bin/sh\nls", "sh"},
		{"cobol", "#!/bin/sh\nls", "sh"},
		{"cobol", "ls", ""},
		{"", "ls", ""},
	} {
		w := filed(t)
		w.more = bot.Args{"code": {c.code}}
		if c.language != "" {
			w.more["language"] = []string{c.language}
		}
		if c.runner == "" {
			w.refused("run")
			continue
		}
		w.do("run")
		argv := w.reply.openings[0].Spec.Argv
		if argv[0] != c.runner || !strings.HasPrefix(argv[1], filepath.Join(w.home, "inbox/Ann/code/100.")) {
			t.Errorf("%q as %q: %q", c.code, c.language, argv)
		}
		if got, _ := os.ReadFile(argv[1]); string(got) != c.code+"\n" {
			t.Errorf("stored as %q", got)
		}
	}
}

func TestAFileThatTheNetworkDoesNotHandOutSaysWhatToDo(t *testing.T) {
	w := filed(t)
	w.files = []bot.Attachment{{Name: "film.mkv", Size: 30e6, Ref: "nowhere"}}
	if got := w.refused("put"); !strings.Contains(got, "film.mkv has 30.0 MB, which is more than this network hands out") {
		t.Errorf("got %q", got)
	}
}

func TestErrorsNameNoPathButTheOneThatWasGiven(t *testing.T) {
	w := filed(t)
	w.role = bot.User
	w.has("private", "x")
	for _, line := range []string{"cat private", "cat " + filepath.Join(w.home, "private"), "get ../../private", "ls ~/private", "rm /etc/passwd", "mv private x", "tail private", "edit private"} {
		got := w.refused(line)
		if typed := line[strings.Index(line, " ")+1:]; !strings.Contains(typed, w.home) && strings.Contains(got, w.home) {
			t.Errorf("/%s: %s", line, got)
		}
	}
}
