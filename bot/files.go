package bot

import (
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
)

// Files makes the files that deliveries carry: output is copied from the
// journal with its secrets hidden, at the moment it is sent, so that nothing
// of it waits twice on the disk.
type Files struct {
	Runner   Runner
	Renderer Renderer
	Masker   Masker
	// Dir is a folder of our own for files that live as long as one sending.
	Dir string
	// Shrinker makes pictures fit; nil = they are not sent then.
	Shrinker Shrinker
}

// Shrinker makes smaller forms of pictures and clips.
type Shrinker interface {
	// Smaller makes a form of a picture (JPEG, PNG, WebP) or clip (MP4) of at most
	// limit bytes, in a file of the Spool (Media.Own); its Name is only the
	// extension, and a clip may become a picture. It blocks until that is done or
	// ctx ends. ErrNoSmaller; *UserError when a program that it takes is missing.
	Smaller(ctx context.Context, f *os.File, limit int64) (Media, error)
}

// ErrNoSmaller: a file has no smaller form that fits, or is no picture or clip.
var ErrNoSmaller = errors.New("the file has no smaller form")

// gapLine is more than the line takes that stands for what is not kept.
const gapLine = 64

// Content implements what Deliverer.Files asks for.
func (f *Files) Content(ctx context.Context, p Post, limit int64) (*Content, func(), error) {
	if p.Media == nil || p.Media.Kind != Picture || limit <= 0 || f.Shrinker == nil {
		return f.content(ctx, p, limit)
	}
	whole, done, err := f.content(ctx, p, 0)
	if err != nil || whole.Size <= limit {
		return whole, done, err
	}
	defer done()
	return f.smaller(ctx, whole, limit)
}

// smaller is a picture in a form that fits.
func (f *Files) smaller(ctx context.Context, c *Content, limit int64) (*Content, func(), error) {
	whole, err := os.Open(c.Path)
	if err != nil {
		return nil, func() {}, fmt.Errorf("read a picture: %w", err)
	}
	defer whole.Close()
	m, err := f.Shrinker.Smaller(ctx, whole, limit)
	var missing *UserError
	if errors.Is(err, ErrNoSmaller) || errors.As(err, &missing) {
		return nil, func() {}, fmt.Errorf("%w: %w", ErrTooLarge, err)
	}
	if err != nil {
		return nil, func() {}, fmt.Errorf("make a picture smaller: %w", err)
	}
	smaller, _, err := existing(&m, limit)
	if err != nil {
		os.Remove(m.Path)
		return nil, func() {}, err
	}
	smaller.Name = strings.TrimSuffix(c.Name, filepath.Ext(c.Name)) + m.Name
	smaller.Note = fmt.Sprintf("smaller than it was (%s), to fit this network", size(c.Size))
	return smaller, func() { os.Remove(m.Path) }, nil
}

func (f *Files) content(ctx context.Context, p Post, limit int64) (*Content, func(), error) {
	out := p.Output
	name := ""
	if p.Media != nil {
		out, name = p.Media.Output, p.Media.Name
	}
	switch {
	case p.Media != nil && p.Media.Window != "":
		return f.window(ctx, p.Media, limit)
	case out == nil:
		return existing(p.Media, limit)
	}
	journal, err := f.Runner.Journal(out.Session)
	if err != nil {
		return nil, func() {}, fmt.Errorf("open output of session %s: %w", out.Session, err)
	}
	defer journal.Close()
	read := func(w io.Writer) error { return f.copy(ctx, w, journal, *out) }
	// What is not kept takes no room but for the line that says so.
	kept, _ := journal.Extent()
	if limit > 0 && within(kept, out.Range)+gapLine > limit {
		name += ".gz"
		read = func(w io.Writer) error {
			z := gzip.NewWriter(w)
			if err := f.copy(ctx, z, journal, *out); err != nil {
				return err
			}
			return z.Close()
		}
	}
	return f.write(name, limit, read)
}

// window draws a session's terminal as it is now.
func (f *Files) window(ctx context.Context, m *Media, limit int64) (*Content, func(), error) {
	state, _, err := f.Runner.Screen(ctx, m.Window)
	if err != nil {
		return nil, func() {}, fmt.Errorf("read the screen of session %s: %w", m.Window, err)
	}
	window, err := f.Renderer.Window(state, f.Masker)
	if err != nil {
		return nil, func() {}, fmt.Errorf("read the screen of session %s: %w", m.Window, err)
	}
	return f.write(m.Name, limit, window.Picture)
}

// existing is a file that is on the disk already.
func existing(m *Media, limit int64) (*Content, func(), error) {
	info, err := os.Stat(m.Path)
	if err != nil {
		return nil, func() {}, fmt.Errorf("read file: %w", err)
	}
	if limit > 0 && info.Size() > limit {
		return nil, func() {}, ErrTooLarge
	}
	return &Content{Path: m.Path, Name: m.Name, Size: info.Size()}, func() {}, nil
}

// write makes a file that is gone once done is called.
func (f *Files) write(name string, limit int64, read func(io.Writer) error) (_ *Content, done func(), err error) {
	file, err := os.CreateTemp(f.Dir, "outgoing-*")
	if err != nil {
		return nil, func() {}, fmt.Errorf("make file: %w", err)
	}
	done = func() { os.Remove(file.Name()) }
	bounded := &boundedWriter{w: file, left: limit, bounded: limit > 0}
	err = read(bounded)
	size := bounded.written
	if closing := file.Close(); err == nil {
		err = closing
	}
	if err != nil {
		done()
		return nil, func() {}, fmt.Errorf("write %s: %w", name, err)
	}
	return &Content{Path: file.Name(), Name: name, Size: size}, done, nil
}

// copy writes a range of output, as far as it is kept. Where a piece is
// missing, a line says so.
func (f *Files) copy(ctx context.Context, w io.Writer, journal Journal, out OutputRef) error {
	carry := []byte(nil) // what may be the beginning of a secret
	at := out.From
	for at < out.To {
		if err := ctx.Err(); err != nil {
			return err
		}
		chunk, err := journal.Next(at, int(min(readSize, out.To-at)))
		if err != nil {
			return fmt.Errorf("read output at %d: %w", at, err)
		}
		if len(chunk.Data) == 0 || chunk.From >= out.To {
			break
		}
		if gap := chunk.From - at; gap > 0 {
			if _, err := fmt.Fprintf(w, "%s\n[… %s are not kept …]\n", carry, size(gap)); err != nil {
				return err
			}
			carry = nil
		}
		at = chunk.From + int64(len(chunk.Data))
		if out.Stdout && chunk.Stream != Stdout {
			continue
		}
		data := append(carry, chunk.Data[:min(int64(len(chunk.Data)), out.To-chunk.From)]...)
		held := f.Masker.Mask(data)
		if _, err := w.Write(data[:len(data)-held]); err != nil {
			return err
		}
		carry = append([]byte(nil), data[len(data)-held:]...)
	}
	_, err := w.Write(carry)
	return err
}

// boundedWriter refuses with ErrTooLarge what goes over its bound.
type boundedWriter struct {
	w       io.Writer
	bounded bool
	left    int64
	written int64
}

func (b *boundedWriter) Write(p []byte) (int, error) {
	if b.bounded && int64(len(p)) > b.left {
		return 0, ErrTooLarge
	}
	n, err := b.w.Write(p)
	b.left -= int64(n)
	b.written += int64(n)
	return n, err
}

// Sweep removes what a killed daemon left in Dir.
func (f *Files) Sweep() error {
	left, err := filepath.Glob(filepath.Join(f.Dir, "outgoing-*"))
	if err != nil {
		return err
	}
	var all []error
	for _, name := range left {
		all = append(all, os.Remove(name))
	}
	return errors.Join(all...)
}
