package console

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"unicode/utf8"

	"chapi/bot"
)

// sniff is how many bytes tell whether a file is text, and maxNames how many
// names are tried for a saved one.
const (
	sniff    = 4 << 10
	maxNames = 1000
)

// media prints a file that is text, and saves any other. The note says what
// became of it; it is empty when the file has been printed.
func (c *Console) media(m bot.Media, file *bot.Content) (note string, err error) {
	f, err := os.Open(file.Path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	head := make([]byte, sniff)
	n, err := io.ReadFull(f, head)
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return "", err
	}
	body := io.LimitReader(io.MultiReader(bytes.NewReader(head[:n]), f), file.Size)
	if m.Kind == bot.File && isText(head[:n]) {
		return "", c.screen.raw(bot.OutputRef{}, body)
	}
	called := fmt.Sprintf("%s (%d bytes)", clean(filepath.Base(file.Name)), file.Size)
	if c.cfg.Files == "" {
		return "file " + called, nil
	}
	path, err := save(c.cfg.Files, file.Name, body)
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("file %s: %s", called, path), nil
}

// isText reports whether a file that begins so can be printed.
func isText(head []byte) bool {
	// The last character may be cut.
	for range utf8.UTFMax - 1 {
		if len(head) > 0 && !utf8.Valid(head) {
			head = head[:len(head)-1]
		}
	}
	return utf8.Valid(head) && !bytes.ContainsRune(head, 0)
}

// save writes a file into a folder, made if need be, under a name that is not
// taken.
func save(dir, name string, body io.Reader) (path string, err error) {
	if name = filepath.Base(clean(name)); name == "." || name == ".." || name == string(filepath.Separator) {
		name = "file"
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", err
	}
	extension := filepath.Ext(name)
	stem := strings.TrimSuffix(name, extension)
	for n := range maxNames {
		if n > 0 {
			name = fmt.Sprintf("%s-%d%s", stem, n+1, extension)
		}
		path = filepath.Join(dir, name)
		f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
		if errors.Is(err, fs.ErrExist) {
			continue
		}
		if err != nil {
			return "", err
		}
		_, err = io.Copy(f, body)
		if err = errors.Join(err, f.Close()); err != nil {
			os.Remove(path)
			return "", err
		}
		return path, nil
	}
	return "", fmt.Errorf("save %s: too many files of that name", path)
}
