package files

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"

	"golang.org/x/sys/unix"

	"chapi/bot"
)

const (
	// partPrefix begins the name of a file that is not complete yet.
	partPrefix = ".chapi-part-"
	// maxNumber is how many names are tried for a file whose name is taken.
	maxNumber = 1000
	// copySize is how much is read at once, and weighEvery how much is written
	// between looks at the free space, in bytes.
	copySize   = 64 << 10
	weighEvery = 4 << 20
	// Modes of what is made: for its owner alone, and never executable.
	fileMode = 0o600
	dirMode  = 0o700
)

// Upload is a file to be stored.
type Upload struct {
	Name string // as somebody called it; it is made safe
	Size int64  // bytes as announced; 0 = not known
	// Over is the Info.Mark of the file of exactly that name that is to be
	// replaced; it keeps its mode and owner. "" = none is: the name is made
	// unique.
	Over string
}

// Stored is a file that is safely on the disk.
type Stored struct {
	Place  Place
	Size   int64
	SHA256 string // in hexadecimal
	Mark   string
}

// Put stores content as a file in dir, making dir if need be. When it returns
// without an error the whole file is on the disk under its name; otherwise
// nothing of it is. ErrReadOnly, ErrQuota, ErrChanged, bot.ErrTooLarge,
// bot.ErrNoSpace, and the errors of reading content.
func (a Area) Put(ctx context.Context, dir Place, u Upload, content io.Reader) (Stored, error) {
	if !dir.Writable() {
		return Stored{}, ErrReadOnly
	}
	left, err := a.store.room(dir, u.Size)
	if err != nil {
		return Stored{}, err
	}
	folder, err := a.makeDir(dir)
	if err != nil {
		return Stored{}, full(err)
	}
	defer folder.Close()
	if err := a.store.weigh(folder, u.Size); err != nil {
		return Stored{}, err
	}
	if err := sweep(folder); err != nil {
		return Stored{}, err
	}
	part, err := newPart(folder)
	if err != nil {
		return Stored{}, full(err)
	}
	defer part.discard()
	sum, err := a.store.fill(ctx, part, content, left)
	if err != nil {
		return Stored{}, full(err)
	}
	name, err := a.commit(part, dir, u)
	if err != nil {
		return Stored{}, full(err)
	}
	info, err := stat(part.File, name)
	if err != nil {
		return Stored{}, err
	}
	return Stored{Place: dir.Join(name), Size: info.Size, SHA256: sum, Mark: info.Mark}, nil
}

// full names the lack of room.
func full(err error) error {
	if errors.Is(err, unix.ENOSPC) || errors.Is(err, unix.EDQUOT) || errors.Is(err, unix.EROFS) {
		return fmt.Errorf("%w: %w", bot.ErrNoSpace, err)
	}
	return err
}

// room is how many bytes a file in dir may have; -1 = any number.
func (s *Store) room(dir Place, size int64) (int64, error) {
	left := int64(-1)
	if s.Largest > 0 {
		left = s.Largest
	}
	if size > left && left >= 0 {
		return 0, bot.ErrTooLarge
	}
	if _, inInbox := below(s.Inbox, dir.Path()); !inInbox || s.Quota == 0 {
		return left, nil
	}
	free := s.Quota - used(s.Inbox)
	if free <= 0 || size > free {
		return 0, ErrQuota
	}
	if left < 0 || free < left {
		left = free
	}
	return left, nil
}

// weigh tells whether the disk of a folder has room for so many bytes more.
func (s *Store) weigh(folder *os.File, size int64) error {
	var fs unix.Statfs_t
	if err := unix.Fstatfs(int(folder.Fd()), &fs); err != nil {
		return fmt.Errorf("look at the disk: %w", err)
	}
	if int64(fs.Bavail)*int64(fs.Bsize) < size+s.Reserve {
		return bot.ErrNoSpace
	}
	return nil
}

// makeDir opens a folder, and makes it and those above it up to the root where
// they are missing.
func (a Area) makeDir(dir Place) (*os.File, error) {
	folder, err := dir.openDir()
	if !errors.Is(err, fs.ErrNotExist) {
		return folder, err
	}
	if dir.rel == "" {
		if dir.root.Path != a.store.Inbox {
			return nil, err
		}
		// Accounts that programs run as pass through to their own folders.
		if err := os.MkdirAll(dir.root.Path, 0o711); err != nil {
			return nil, fmt.Errorf("make the inbox: %w", err)
		}
		return dir.openDir()
	}
	above := dir
	above.rel = strings.TrimSuffix(dir.rel, dir.Name())
	above.rel = strings.TrimSuffix(above.rel, "/")
	parent, err := a.makeDir(above)
	if err != nil {
		return nil, err
	}
	defer parent.Close()
	err = unix.Mkdirat(int(parent.Fd()), dir.Name(), dirMode)
	if err != nil && !errors.Is(err, unix.EEXIST) {
		return nil, fmt.Errorf("make a folder: %w", err)
	}
	made := err == nil
	if folder, err = dir.openDir(); err != nil {
		return nil, err
	}
	if made && a.Owner != nil {
		err = unix.Fchown(int(folder.Fd()), a.Owner.UID, a.Owner.GID)
	}
	if made && err == nil {
		err = parent.Sync()
	}
	if err != nil {
		folder.Close()
		return nil, fmt.Errorf("make a folder: %w", err)
	}
	return folder, nil
}

// part is a file that is not complete yet. It is locked while we live.
type part struct {
	*os.File
	dir  *os.File
	name string // "" once it has its real one
}

func newPart(dir *os.File) (*part, error) {
	for range lookupTries {
		name := partPrefix + rand.Text()
		fd, err := unix.Openat(int(dir.Fd()), name, unix.O_RDWR|unix.O_CREAT|unix.O_EXCL|unix.O_NOFOLLOW|unix.O_CLOEXEC, fileMode)
		if err != nil {
			return nil, fmt.Errorf("make a file: %w", err)
		}
		p := &part{File: os.NewFile(uintptr(fd), name), dir: dir, name: name}
		var st unix.Stat_t
		if unix.Flock(fd, unix.LOCK_EX|unix.LOCK_NB) == nil && unix.Fstat(fd, &st) == nil && st.Nlink > 0 {
			return p, nil
		}
		p.discard() // swept before we had locked it
	}
	return nil, errors.New("make a file: it is swept every time")
}

// discard removes what has not been completed.
func (p *part) discard() {
	p.Close()
	if p.name != "" {
		unix.Unlinkat(int(p.dir.Fd()), p.name, 0)
	}
}

// sweep removes unfinished files of a folder that nobody is writing.
func sweep(dir *os.File) error {
	if _, err := dir.Seek(0, io.SeekStart); err != nil {
		return err
	}
	for seen := 0; seen < maxEntries; {
		names, err := dir.Readdirnames(512)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("tidy a folder: %w", err)
		}
		seen += len(names)
		for _, name := range names {
			if !strings.HasPrefix(name, partPrefix) {
				continue
			}
			fd, err := unix.Openat(int(dir.Fd()), name, unix.O_RDONLY|unix.O_NOFOLLOW|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
			if err != nil {
				continue // finished since
			}
			if unix.Flock(fd, unix.LOCK_EX|unix.LOCK_NB) == nil {
				unix.Unlinkat(int(dir.Fd()), name, 0)
			}
			unix.Close(fd)
		}
	}
	return nil
}

// fill writes the content, at most left bytes, and tells its sum.
func (s *Store) fill(ctx context.Context, p *part, content io.Reader, left int64) (sum string, err error) {
	hash := sha256.New()
	buffer := make([]byte, copySize)
	var written, weighed int64
	for {
		if err := ctx.Err(); err != nil {
			return "", err
		}
		n, err := content.Read(buffer)
		if written += int64(n); left >= 0 && written > left {
			if s.Largest > 0 && written > s.Largest {
				return "", bot.ErrTooLarge
			}
			return "", ErrQuota
		}
		hash.Write(buffer[:n])
		if _, failed := p.Write(buffer[:n]); failed != nil {
			return "", fmt.Errorf("write a file: %w", failed)
		}
		if written-weighed >= weighEvery {
			weighed = written
			if err := s.weigh(p.dir, 0); err != nil {
				return "", err
			}
		}
		if errors.Is(err, io.EOF) {
			return hex.EncodeToString(hash.Sum(nil)), nil
		}
		if err != nil {
			return "", fmt.Errorf("read the content: %w", err)
		}
	}
}

// commit syncs the file and gives it its name, and syncs that too.
func (a Area) commit(p *part, dir Place, u Upload) (name string, err error) {
	if a.Owner != nil {
		if err := p.Chown(a.Owner.UID, a.Owner.GID); err != nil {
			return "", fmt.Errorf("give a file its owner: %w", err)
		}
	}
	if err := p.Sync(); err != nil {
		return "", fmt.Errorf("write a file: %w", err)
	}
	a.store.committing.Lock()
	defer a.store.committing.Unlock()
	if _, inInbox := below(a.store.Inbox, dir.Path()); inInbox && a.store.Quota > 0 && used(a.store.Inbox) > a.store.Quota {
		return "", ErrQuota // others were stored meanwhile
	}
	if u.Over != "" {
		name, err = u.Name, p.replace(dir.Join(u.Name), u.Over)
	} else {
		name, err = p.nameAnew(Clean(u.Name))
	}
	if err != nil {
		return "", err
	}
	p.name = ""
	if err := p.dir.Sync(); err != nil {
		return "", fmt.Errorf("write a folder: %w", err)
	}
	return name, nil
}

// nameAnew gives the file the first name like the wished one that is free.
func (p *part) nameAnew(wish string) (string, error) {
	for n := 1; n <= maxNumber; n++ {
		name := numbered(wish, n)
		err := renameNew(p.dir, p.name, p.dir, name)
		if errors.Is(err, unix.EEXIST) {
			continue
		}
		if err != nil {
			return "", fmt.Errorf("name a file: %w", err)
		}
		return name, nil
	}
	return "", ErrExists
}

// renameNew renames unless there is something of the new name: EEXIST.
func renameNew(from *os.File, name string, to *os.File, as string) error {
	err := unix.Renameat2(int(from.Fd()), name, int(to.Fd()), as, unix.RENAME_NOREPLACE)
	if !errors.Is(err, unix.EINVAL) && !errors.Is(err, unix.ENOSYS) {
		return err
	}
	// A file system, or kernel, that cannot: a second name, then not the first.
	if err := unix.Linkat(int(from.Fd()), name, int(to.Fd()), as, 0); err != nil {
		return err
	}
	return unix.Unlinkat(int(from.Fd()), name, 0)
}

// replace takes the place of a file that was looked at before.
func (p *part) replace(old Place, mark string) error {
	f, err := old.lookup()
	if err != nil {
		return err
	}
	defer f.Close()
	var st unix.Stat_t
	if err := unix.Fstat(int(f.Fd()), &st); err != nil {
		return fmt.Errorf("look at a file: %w", err)
	}
	switch info := infoOf(&st, ""); {
	case !info.Regular:
		return ErrKind
	case info.Mark != mark:
		return ErrChanged
	}
	if err := p.Chmod(fs.FileMode(st.Mode & 0o777)); err != nil {
		return fmt.Errorf("give a file its mode: %w", err)
	}
	if int(st.Uid) != os.Getuid() || int(st.Gid) != os.Getgid() {
		if err := p.Chown(int(st.Uid), int(st.Gid)); err != nil {
			return fmt.Errorf("give a file its owner: %w", err)
		}
	}
	if err := unix.Renameat(int(p.dir.Fd()), p.name, int(p.dir.Fd()), old.Name()); err != nil {
		return fmt.Errorf("name a file: %w", err)
	}
	return nil
}
