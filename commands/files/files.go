// Package files is the part of this machine's disk that chats may reach: which
// folders are open to whom, how a file in them is opened, stored, replaced,
// packed and removed. It knows nothing of chats or commands.
//
// A path is resolved element by element from the folder that is open, and no
// symbolic link is followed on the way, also when somebody swaps one in while it
// is resolved. What is stored appears whole or not at all.
package files

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"chapi/bot"
)

// Why a file cannot be had. Errors of this package wrap one of these, or
// fs.ErrNotExist, fs.ErrPermission, bot.ErrTooLarge or bot.ErrNoSpace.
var (
	// ErrOutside: the path is in no folder that is open. It says nothing about
	// whether there is something.
	ErrOutside = errors.New("not in an open folder")
	// ErrReadOnly: the folder is open for reading only.
	ErrReadOnly = errors.New("open for reading only")
	// ErrLink: there is a symbolic link on the way, or at its end.
	ErrLink = errors.New("a link; links are not followed")
	// ErrKind: a folder where a file is wanted, the reverse, or a device.
	ErrKind = errors.New("not of the wanted kind")
	// ErrExists: there is something of that name already.
	ErrExists = errors.New("exists already")
	// ErrQuota: the inbox would hold more than it may.
	ErrQuota = errors.New("the inbox is full")
	// ErrChanged: the file is not the one any more that was looked at.
	ErrChanged = errors.New("changed in the meantime")
	// ErrTooMany: there are more entries than are dealt with at once.
	ErrTooMany = errors.New("too many entries")
)

// Root is a folder that is open to a role and those above it, with all that is
// below.
type Root struct {
	Path  string // absolute
	Role  bot.Role
	Write bool
	// below is a folder in Path, opened without following links, that alone is
	// meant; "" = Path itself.
	below string
}

func (r Root) path() string { return filepath.Join(r.Path, r.below) }

// DefaultReserve is how much of a disk is left free, in bytes: our own records
// must never want for room because somebody sent a film.
const DefaultReserve = 64 << 20

// Store is what is open on this machine. It is safe for concurrent use; its
// fields are not changed.
type Store struct {
	Roots []Root
	// Inbox is the absolute folder in which every chat has one of its own. It
	// is made when it is needed.
	Inbox string
	// Hidden are files and folders, absolute, that are closed to everybody in
	// whatever root they lie: our own records and secrets.
	Hidden []string
	// Largest is the most bytes of one file that is stored; 0 = no bound.
	Largest int64
	// Quota is the most bytes of all that is in the inbox; 0 = no bound.
	Quota int64
	// Reserve is how many bytes of the disk are left free.
	Reserve int64

	committing sync.Mutex // one file at a time is weighed against the quota and named
	resolving  sync.Once
	resolved   []string // Hidden without links in the paths
}

// Owner is the account that new files are given to.
type Owner struct{ UID, GID int }

// Area is what one person may reach from one chat.
type Area struct {
	store *Store
	roots []Root
	// Inbox is the chat's own folder. It need not exist.
	Inbox string
	// Dir is where relative paths begin if that is open; otherwise, and for what
	// is not there, they begin in the inbox. Home is what ~ stands for.
	Dir, Home string
	// Owner is given what is stored; nil = our own account.
	Owner *Owner
}

// Area is what a role may reach: the roots that are open to it, and from
// bot.User on the chat's own inbox. chat is a name for the chat that is made
// safe here; from bot.Operator on all inboxes are open.
func (s *Store) Area(role bot.Role, chat string) Area {
	a := Area{store: s}
	own := Root{Path: s.Inbox, Role: bot.User, Write: true, below: Clean(chat)}
	a.Inbox = own.path()
	all := append([]Root{own, {Path: s.Inbox, Role: bot.Operator, Write: true}}, s.Roots...)
	for _, r := range all {
		if role >= r.Role && r.Path != "" {
			a.roots = append(a.roots, r)
		}
	}
	return a
}

// Folders is the folders that are open, the chat's own first.
func (a Area) Folders() []Place {
	var open []Place
	for _, r := range a.roots {
		open = append(open, Place{store: a.store, root: r, rel: r.below})
	}
	return open
}

// Place is a path beneath an open folder. Whether something is there, and what,
// shows when it is used.
type Place struct {
	store *Store
	root  Root
	rel   string // clean, from root.Path; "" is the root itself
}

// Path is the place's absolute path, for people. It is never opened.
func (p Place) Path() string { return filepath.Join(p.root.Path, p.rel) }

// Name is the last element of the path.
func (p Place) Name() string { return filepath.Base(p.Path()) }

// Writable reports whether the folder is open for writing.
func (p Place) Writable() bool { return p.root.Write }

// IsRoot reports whether the place is an open folder itself.
func (p Place) IsRoot() bool { return p.rel == p.root.below }

// Parent is the folder that the place is in; ok is false for a root.
func (p Place) Parent() (parent Place, ok bool) {
	if p.IsRoot() {
		return Place{}, false
	}
	p.rel = strings.TrimPrefix(filepath.Dir(p.rel), ".")
	return p, true
}

// Join is the entry of that name in the folder.
func (p Place) Join(name string) Place {
	p.rel = filepath.Join(p.rel, name)
	return p
}

// Find is the place that a person means by a path. A relative one begins in Dir;
// if nothing is there, in the inbox. ErrOutside.
func (a Area) Find(path string) (Place, error) {
	if full, anchored := a.anchored(path); anchored {
		return a.at(full)
	}
	here, err := a.at(filepath.Join(a.Dir, path))
	if err == nil && here.exists() {
		return here, nil
	}
	if filepath.Clean(path) == "." && err == nil {
		return here, nil
	}
	inbox := filepath.Join(a.Inbox, path)
	if _, inside := below(a.Inbox, inbox); !inside {
		return here, err
	}
	if own, closed := a.at(inbox); closed == nil && (err != nil || own.exists()) {
		return own, nil
	}
	return here, err
}

// Target is the folder that a person wants something put into. A relative path
// begins in Dir if that may be written to, else in the inbox; "" is the inbox.
// ErrOutside, ErrReadOnly.
func (a Area) Target(path string) (Place, error) {
	full, anchored := a.anchored(path)
	if path == "" {
		full, anchored = a.Inbox, true
	}
	if !anchored {
		if here, err := a.at(filepath.Join(a.Dir, path)); err == nil && here.Writable() {
			return here, nil
		}
		full = filepath.Join(a.Inbox, path)
	}
	p, err := a.at(full)
	if err == nil && !p.Writable() {
		return p, ErrReadOnly
	}
	return p, err
}

// anchored is the absolute path, if the person gave one.
func (a Area) anchored(path string) (string, bool) {
	switch {
	case path == "~":
		return filepath.Clean(a.Home), true
	case strings.HasPrefix(path, "~/"):
		return filepath.Join(a.Home, path[2:]), true
	case filepath.IsAbs(path):
		return filepath.Clean(path), true
	}
	return "", false
}

// at is the place of a clean absolute path, in the innermost root that has it.
func (a Area) at(full string) (Place, error) {
	best := Place{}
	for _, r := range a.roots {
		if rest, ok := below(r.path(), full); ok && len(r.path()) >= len(best.root.path()) && !strings.ContainsRune(full, 0) {
			best = Place{store: a.store, root: r, rel: filepath.Join(r.below, rest)}
		}
	}
	if best.store == nil {
		return best, ErrOutside
	}
	return best, nil
}

// below is the rest of path beneath dir, by whole elements.
func below(dir, path string) (rest string, ok bool) {
	rest, err := filepath.Rel(dir, path)
	if err != nil || rest == ".." || strings.HasPrefix(rest, ".."+string(filepath.Separator)) {
		return "", false
	}
	if rest == "." {
		rest = ""
	}
	return rest, true
}

// hides reports whether the file with that real path is closed to everybody.
func (s *Store) hides(real string) bool {
	_, inbox := below(s.Inbox, real)
	return slices.ContainsFunc(s.hidden(), func(h string) bool {
		_, in := below(h, real)
		_, around := below(h, s.Inbox)
		return in && !(inbox && around) // the inbox may lie among our own records
	})
}

// holds reports whether something that is closed to everybody, or the inbox, is
// below a real path: what it is in may not be removed or moved.
func (s *Store) holds(real string) bool {
	return slices.ContainsFunc(append([]string{s.Inbox}, s.hidden()...), func(h string) bool {
		_, in := below(real, h)
		return in
	})
}

// hidden is Hidden as real paths.
func (s *Store) hidden() []string {
	s.resolving.Do(func() {
		for _, h := range s.Hidden {
			if real, err := filepath.EvalSymlinks(h); err == nil {
				h = real
			}
			s.resolved = append(s.resolved, h)
		}
	})
	return s.resolved
}

// Sweep removes what a killed daemon has left of unfinished files in the inbox.
func (s *Store) Sweep() error {
	var all []error
	walk(s.Inbox, func(dir *os.File) { all = append(all, sweep(dir)) })
	return errors.Join(all...)
}
