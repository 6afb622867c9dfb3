package files

import (
	"archive/tar"
	"archive/zip"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"strings"

	"golang.org/x/sys/unix"
)

// Bounds of what is looked at below a folder.
const (
	maxDepth = 64
	maxFiles = 200_000
)

// each shows everything below a folder, folders before what is in them. in is the
// folder that a regular file is in, nil for anything else. What is gone, or may
// not be read, is passed over.
func each(dir *os.File, prefix string, depth int, show func(name string, info Info, in *os.File) error) error {
	if depth > maxDepth {
		return ErrTooMany
	}
	entries, more, err := list(dir)
	if err != nil {
		return err
	}
	if more {
		return ErrTooMany
	}
	for _, e := range entries {
		name := path.Join(prefix, e.Name)
		in := dir
		if !e.Regular {
			in = nil
		}
		err := show(name, e, in)
		if err == nil && e.Dir {
			err = into(dir, e.Name, func(sub *os.File) error { return each(sub, name, depth+1, show) })
		}
		if err != nil && !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, fs.ErrPermission) && !errors.Is(err, ErrLink) {
			return err
		}
	}
	return nil
}

// into opens a folder in a folder.
func into(dir *os.File, name string, do func(*os.File) error) error {
	handle, err := beneath(dir, name)
	if err != nil {
		return err
	}
	defer handle.Close()
	sub, err := reopen(handle, unix.O_RDONLY|unix.O_DIRECTORY)
	if err != nil {
		return err
	}
	defer sub.Close()
	return do(sub)
}

// Packed is what came into an archive.
type Packed struct {
	Files int
	// Left is how many entries are not in it: links, devices, and what may not
	// be read.
	Left int
}

// Pack writes the places, files or folders, as one archive: zipped, or a
// compressed tar. It streams; nothing but the entry names is kept.
func Pack(ctx context.Context, w io.Writer, zipped bool, places ...Place) (Packed, error) {
	var a archive
	if zipped {
		a = zipArchive{zip.NewWriter(w)}
	} else {
		z := gzip.NewWriter(w)
		a = tarArchive{tar.NewWriter(z), z}
	}
	p := packer{ctx: ctx, archive: a}
	for _, place := range places {
		if err := p.place(place); err != nil {
			return p.Packed, err
		}
	}
	return p.Packed, a.Close()
}

// archive is an archive that is being written.
type archive interface {
	// begin makes an entry; a folder has no content.
	begin(name string, info Info) (io.Writer, error)
	Close() error
}

type packer struct {
	Packed
	ctx     context.Context
	archive archive
}

func (p *packer) place(place Place) error {
	info, err := place.Stat()
	if err != nil {
		return err
	}
	if info.Regular {
		f, info, err := place.Open()
		if err != nil {
			return err
		}
		defer f.Close()
		return p.file(info.Name, info, f)
	}
	dir, err := place.openDir()
	if err != nil {
		return err
	}
	defer dir.Close()
	real, err := os.Readlink(dir.Name())
	if err != nil {
		return fmt.Errorf("pack: %w", err)
	}
	if _, err := p.archive.begin(info.Name+"/", info); err != nil {
		return fmt.Errorf("pack: %w", err)
	}
	return each(dir, info.Name, 0, func(name string, info Info, in *os.File) error {
		switch {
		case p.Files+p.Left > maxFiles:
			return ErrTooMany
		case place.store.hides(path.Join(real, strings.TrimPrefix(name, place.Name()))):
			p.Left++
			return fs.ErrPermission
		case info.Dir:
			_, err := p.archive.begin(name+"/", info)
			return err
		case in == nil:
			p.Left++
			return nil
		}
		return p.from(in, name, info.Name)
	})
}

// from packs a file of a folder, which may be another one by now.
func (p *packer) from(dir *os.File, name, base string) error {
	handle, err := beneath(dir, base)
	if err != nil {
		p.Left++
		return nil
	}
	defer handle.Close()
	info, err := stat(handle, base)
	if err != nil || !info.Regular {
		p.Left++
		return nil
	}
	f, err := reopen(handle, unix.O_RDONLY|unix.O_NONBLOCK)
	if err != nil {
		p.Left++
		return nil
	}
	defer f.Close()
	return p.file(name, info, f)
}

// file packs one file. One that shrinks meanwhile ends in zeros, and of one that
// grows the beginning is taken: the archive stays whole.
func (p *packer) file(name string, info Info, f *os.File) error {
	w, err := p.archive.begin(name, info)
	if err != nil {
		return err
	}
	n, err := copyContext(p.ctx, w, io.LimitReader(f, info.Size))
	if err != nil {
		return fmt.Errorf("pack: %w", err)
	}
	if n < info.Size {
		if _, err := copyContext(p.ctx, w, io.LimitReader(zeros{}, info.Size-n)); err != nil {
			return fmt.Errorf("pack: %w", err)
		}
	}
	p.Files++
	return nil
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

// copyContext copies until the end, or until ctx ends.
func copyContext(ctx context.Context, w io.Writer, r io.Reader) (n int64, err error) {
	buffer := make([]byte, copySize)
	for {
		if err := ctx.Err(); err != nil {
			return n, err
		}
		got, err := r.Read(buffer)
		if _, failed := w.Write(buffer[:got]); failed != nil {
			return n, failed
		}
		n += int64(got)
		if errors.Is(err, io.EOF) {
			return n, nil
		}
		if err != nil {
			return n, err
		}
	}
}

type tarArchive struct {
	*tar.Writer
	z *gzip.Writer
}

func (t tarArchive) begin(name string, info Info) (io.Writer, error) {
	h := &tar.Header{Name: name, Mode: 0o644, Size: info.Size, ModTime: info.Modified, Typeflag: tar.TypeReg, Format: tar.FormatPAX}
	if info.Dir {
		h.Typeflag, h.Mode, h.Size = tar.TypeDir, 0o755, 0
	}
	return t, t.WriteHeader(h)
}

func (t tarArchive) Close() error {
	if err := t.Writer.Close(); err != nil {
		return err
	}
	return t.z.Close()
}

type zipArchive struct{ *zip.Writer }

func (z zipArchive) begin(name string, info Info) (io.Writer, error) {
	method := zip.Deflate
	if info.Dir {
		method = zip.Store
	}
	return z.CreateHeader(&zip.FileHeader{Name: name, Method: method, Modified: info.Modified})
}
