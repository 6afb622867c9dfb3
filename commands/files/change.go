package files

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// Remove removes the file, or the folder with all that is in it, that has the
// mark. Links in it are removed, not followed. ErrReadOnly, ErrChanged.
func (p Place) Remove(mark string) error {
	parent, name, err := p.inParent(mark)
	if err != nil {
		return err
	}
	defer parent.Close()
	beneath, err := os.OpenRoot(parent.Name())
	if err != nil {
		return fmt.Errorf("open a folder: %w", err)
	}
	defer beneath.Close()
	if err := beneath.RemoveAll(name); err != nil {
		return fmt.Errorf("remove: %w", bare(err))
	}
	return full(parent.Sync())
}

// Move takes the file or folder that has the mark to dir. as is its name there:
// exactly that one, or with "" its own, or one like it that is free.
// ErrReadOnly, ErrChanged, ErrExists, ErrKind when dir is in it.
func (a Area) Move(ctx context.Context, p, dir Place, as, mark string) (Place, error) {
	if !dir.Writable() {
		return Place{}, ErrReadOnly
	}
	if _, inside := below(p.Path(), dir.Path()); inside {
		return Place{}, ErrKind
	}
	parent, name, err := p.inParent(mark)
	if err != nil {
		return Place{}, err
	}
	defer parent.Close()
	to, err := a.makeDir(dir)
	if err != nil {
		return Place{}, full(err)
	}
	defer to.Close()
	for n := 1; n <= maxNumber; n++ {
		wish := as
		if as == "" {
			wish = numbered(name, n)
		}
		switch err := renameNew(parent, name, to, wish); {
		case errors.Is(err, unix.EEXIST) && as == "":
			continue
		case errors.Is(err, unix.EEXIST):
			return Place{}, ErrExists
		case errors.Is(err, unix.EXDEV):
			return a.copyOver(ctx, p, dir, mark)
		case err != nil:
			return Place{}, full(fmt.Errorf("move: %w", err))
		}
		return dir.Join(wish), full(errors.Join(to.Sync(), parent.Sync()))
	}
	return Place{}, ErrExists
}

// copyOver moves a file to another disk.
func (a Area) copyOver(ctx context.Context, p, dir Place, mark string) (Place, error) {
	f, info, err := p.Open()
	if err != nil {
		return Place{}, err
	}
	defer f.Close()
	stored, err := a.Put(ctx, dir, Upload{Name: p.Name(), Size: info.Size}, f)
	if err != nil {
		return Place{}, err
	}
	return stored.Place, p.Remove(mark)
}

// inParent opens the folder that the place is in, and checks that what has its
// name there has the mark.
func (p Place) inParent(mark string) (parent *os.File, name string, err error) {
	up, ok := p.Parent()
	switch {
	case !p.Writable():
		return nil, "", ErrReadOnly
	case !ok:
		return nil, "", ErrKind // an open folder itself stays
	}
	f, err := p.lookup()
	if err != nil {
		return nil, "", err
	}
	defer f.Close()
	info, err := stat(f, p.Name())
	if err != nil {
		return nil, "", err
	}
	if info.Mark != mark {
		return nil, "", ErrChanged
	}
	if real, err := os.Readlink(self(f)); err != nil || p.store.holds(real) {
		return nil, "", ErrReadOnly
	}
	parent, err = up.openDir()
	return parent, p.Name(), err
}

// bare is an error without the path in it.
func bare(err error) error {
	var on *fs.PathError
	if errors.As(err, &on) {
		return on.Err
	}
	return err
}

// Usage is the number of files below a folder, and their bytes.
func (p Place) Usage() (count int, bytes int64, err error) {
	dir, err := p.openDir()
	if err != nil {
		return 0, 0, err
	}
	defer dir.Close()
	err = each(dir, "", 0, func(_ string, info Info, _ *os.File) error {
		if !info.Dir {
			count++
			bytes += info.Size
		}
		return nil
	})
	return count, bytes, err
}

// used is the bytes of the regular files below a folder, unfinished ones too.
func used(path string) (bytes int64) {
	filepath.WalkDir(path, func(_ string, e fs.DirEntry, err error) error {
		if err != nil || !e.Type().IsRegular() {
			return nil
		}
		if info, err := e.Info(); err == nil {
			bytes += info.Size()
		}
		return nil
	})
	return bytes
}

// walk shows every folder at and below a path.
func walk(path string, show func(dir *os.File)) {
	filepath.WalkDir(path, func(path string, e fs.DirEntry, err error) error {
		if err != nil || !e.IsDir() {
			return nil
		}
		// It may be something else by now.
		fd, err := unix.Open(path, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
		if dir, err := file(fd, err); err == nil {
			show(dir)
			dir.Close()
		}
		return nil
	})
}
