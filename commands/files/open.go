package files

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// lookupTries bounds the repetitions of a lookup that somebody's renaming got in
// the way of (openat2(2), EAGAIN).
const lookupTries = 32

// Info is what is known of a place.
type Info struct {
	Name     string
	Dir      bool
	Regular  bool
	Link     bool
	Size     int64 // bytes
	Modified time.Time
	// Mark changes with the file: its identity, size and time of change.
	Mark string
}

// Stat looks at the place. ErrLink, fs.ErrNotExist, fs.ErrPermission.
func (p Place) Stat() (Info, error) {
	f, err := p.lookup()
	if err != nil {
		return Info{}, err
	}
	defer f.Close()
	return stat(f, p.Name())
}

func (p Place) exists() bool {
	_, err := p.Stat()
	return err == nil || errors.Is(err, ErrLink)
}

// Open opens a regular file for reading. ErrKind for anything else: neither a
// pipe nor a device is ever opened.
func (p Place) Open() (*os.File, Info, error) {
	return p.open(func(i Info) bool { return i.Regular }, unix.O_RDONLY|unix.O_NONBLOCK)
}

// openDir opens a folder. The file's name leads to it while it is open, whatever
// is renamed meanwhile.
func (p Place) openDir() (*os.File, error) {
	f, _, err := p.open(func(i Info) bool { return i.Dir }, unix.O_RDONLY|unix.O_DIRECTORY)
	return f, err
}

func (p Place) open(wanted func(Info) bool, flags int) (*os.File, Info, error) {
	handle, err := p.lookup()
	if err != nil {
		return nil, Info{}, err
	}
	defer handle.Close()
	info, err := stat(handle, p.Name())
	if err != nil {
		return nil, info, err
	}
	if !wanted(info) {
		return nil, info, ErrKind
	}
	f, err := reopen(handle, flags)
	return f, info, err
}

// lookup finds the place without opening what is there. The file can only be
// looked at, and opened with reopen.
func (p Place) lookup() (*os.File, error) {
	top, err := openTop(p.root.Path)
	if err != nil {
		return nil, err
	}
	defer top.Close()
	f, err := beneath(top, p.rel)
	if err != nil {
		return nil, err
	}
	real, err := os.Readlink(self(f))
	if err == nil && p.store.hides(real) {
		err = ErrOutside
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

// openTop opens an open folder itself: its path is the configuration's.
func openTop(path string) (*os.File, error) {
	fd, err := unix.Open(path, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	return file(fd, err)
}

// beneath finds a path beneath a folder.
func beneath(dir *os.File, rel string) (*os.File, error) {
	if rel == "" {
		rel = "."
	}
	how := unix.OpenHow{
		Flags:   unix.O_PATH | unix.O_CLOEXEC,
		Resolve: unix.RESOLVE_BENEATH | unix.RESOLVE_NO_SYMLINKS | unix.RESOLVE_NO_MAGICLINKS,
	}
	for range lookupTries {
		fd, err := unix.Openat2(int(dir.Fd()), rel, &how)
		switch {
		case errors.Is(err, unix.EAGAIN), errors.Is(err, unix.EINTR):
			continue
		case errors.Is(err, unix.ENOSYS), errors.Is(err, unix.EPERM):
			// A kernel before 5.6, or a filter that does not know the call.
			return stepwise(dir, rel)
		}
		return file(fd, err)
	}
	return nil, fmt.Errorf("find a file: %w", unix.EAGAIN)
}

// stepwise is beneath for kernels without openat2: one element after the other,
// none of which may be a link or lead up.
func stepwise(dir *os.File, rel string) (*os.File, error) {
	at, err := unix.Openat(int(dir.Fd()), ".", unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return file(at, err)
	}
	for _, element := range strings.Split(filepath.Clean(rel), "/") {
		if element == ".." {
			unix.Close(at)
			return nil, ErrOutside
		}
		next, err := unix.Openat(at, element, unix.O_PATH|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
		unix.Close(at)
		if err != nil {
			return file(next, err)
		}
		at = next
		var st unix.Stat_t
		if err := unix.Fstat(at, &st); err == nil && st.Mode&unix.S_IFMT == unix.S_IFLNK {
			unix.Close(at)
			return nil, ErrLink
		}
	}
	return file(at, nil)
}

// reopen opens what a lookup has found: exactly that, and no other file that has
// its name by now.
func reopen(handle *os.File, flags int) (*os.File, error) {
	fd, err := unix.Open(self(handle), flags|unix.O_CLOEXEC|unix.O_NOCTTY, 0)
	return file(fd, err)
}

// self is a path that leads to an open file.
func self(f *os.File) string { return fmt.Sprintf("/proc/self/fd/%d", f.Fd()) }

// file is an open file whose name leads to it, or the error in our words,
// without any path in it.
func file(fd int, err error) (*os.File, error) {
	switch {
	case err == nil:
		return os.NewFile(uintptr(fd), fmt.Sprintf("/proc/self/fd/%d", fd)), nil
	case errors.Is(err, unix.ELOOP):
		return nil, ErrLink
	case errors.Is(err, unix.EXDEV):
		return nil, ErrOutside
	case errors.Is(err, unix.ENOTDIR), errors.Is(err, unix.ENAMETOOLONG):
		return nil, fs.ErrNotExist
	}
	return nil, err
}

func stat(f *os.File, name string) (Info, error) {
	var st unix.Stat_t
	if err := unix.Fstat(int(f.Fd()), &st); err != nil {
		return Info{}, fmt.Errorf("look at a file: %w", err)
	}
	return infoOf(&st, name), nil
}

func infoOf(st *unix.Stat_t, name string) Info {
	kind := st.Mode & unix.S_IFMT
	return Info{
		Name:     name,
		Dir:      kind == unix.S_IFDIR,
		Regular:  kind == unix.S_IFREG,
		Link:     kind == unix.S_IFLNK,
		Size:     st.Size,
		Modified: time.Unix(int64(st.Mtim.Sec), int64(st.Mtim.Nsec)),
		Mark:     fmt.Sprintf("%x-%x-%x-%x.%x", uint64(st.Dev), uint64(st.Ino), st.Size, int64(st.Mtim.Sec), int64(st.Mtim.Nsec)),
	}
}

// maxEntries is how many entries of one folder are looked at.
const maxEntries = 20000

// List is the entries of a folder, and whether there are more than are looked
// at. What is unfinished is left out.
func (p Place) List() (entries []Info, more bool, err error) {
	dir, err := p.openDir()
	if err != nil {
		return nil, false, err
	}
	defer dir.Close()
	return list(dir)
}

func list(dir *os.File) (entries []Info, more bool, err error) {
	for len(entries) < maxEntries {
		names, err := dir.Readdirnames(512)
		if errors.Is(err, io.EOF) {
			return entries, false, nil
		}
		if err != nil {
			return nil, false, fmt.Errorf("read a folder: %w", err)
		}
		for _, name := range names {
			var st unix.Stat_t
			if strings.HasPrefix(name, partPrefix) || unix.Fstatat(int(dir.Fd()), name, &st, unix.AT_SYMLINK_NOFOLLOW) != nil {
				continue // unfinished, or gone since
			}
			entries = append(entries, infoOf(&st, name))
		}
	}
	return entries, true, nil
}

// Glob is the places that a pattern of path.Match fits, element by element; a
// path without wildcards is itself. Names that begin with a dot are met only by
// patterns that do. ErrOutside, ErrTooMany.
func (a Area) Glob(pattern string) ([]Place, error) {
	if !strings.ContainsAny(pattern, `*?[`) {
		p, err := a.Find(pattern)
		return []Place{p}, err
	}
	fixed, rest := splitPattern(pattern)
	bases := []string{fixed}
	if _, anchored := a.anchored(pattern); !anchored {
		bases = []string{filepath.Join(a.Dir, fixed), filepath.Join(a.Inbox, fixed)}
	}
	err := error(ErrOutside)
	for _, base := range bases {
		full, _ := a.anchored(base)
		start, outside := a.at(full)
		if outside != nil {
			continue
		}
		var found []Place
		if found, err = match(start, rest); err != nil || len(found) > 0 {
			return found, err
		}
	}
	return nil, err
}

// splitPattern cuts a pattern before its first element with a wildcard.
func splitPattern(pattern string) (fixed string, rest []string) {
	elements := strings.Split(pattern, "/")
	for i, e := range elements {
		if strings.ContainsAny(e, `*?[`) {
			fixed = strings.Join(elements[:i], "/")
			if fixed == "" && i > 0 {
				fixed = "/"
			}
			return fixed, elements[i:]
		}
	}
	return pattern, nil
}

// maxMatches is how many places one pattern may mean.
const maxMatches = 500

func match(dir Place, pattern []string) ([]Place, error) {
	if len(pattern) == 0 {
		return []Place{dir}, nil
	}
	if pattern[0] == "" || pattern[0] == "." {
		return match(dir, pattern[1:])
	}
	if pattern[0] == ".." {
		return nil, ErrOutside
	}
	entries, _, err := dir.List()
	if err != nil {
		return nil, nil // what cannot be read has nothing that fits
	}
	var found []Place
	for _, e := range entries {
		fits, err := filepath.Match(pattern[0], e.Name)
		if err != nil {
			return nil, fmt.Errorf("pattern: %w", err)
		}
		if !fits || e.Name[0] == '.' && pattern[0][0] != '.' || e.Link {
			continue
		}
		more, err := match(dir.Join(e.Name), pattern[1:])
		if err != nil {
			return nil, err
		}
		if found = append(found, more...); len(found) > maxMatches {
			return nil, ErrTooMany
		}
	}
	return found, nil
}
