package bot

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"time"
)

// spoolKeep is how long a file of the spool is left alone: the command that
// makes it puts its post only when it is done.
const spoolKeep = 3 * time.Hour

// Spool is the folder of files that were each made for one post (Media.Own). A
// file goes when its post is settled; Tidy removes those whose post was replaced
// or never came to be. It is safe for concurrent use.
type Spool struct {
	Dir    string
	Outbox interface {
		Uses(ctx context.Context, path string) (bool, error)
	}
	Logger *slog.Logger
}

// Create makes an empty file, readable by us alone, whose name ends in ext, such
// as ".png". Who does not post it removes it.
func (s *Spool) Create(ext string) (*os.File, error) {
	f, err := os.CreateTemp(s.Dir, "post-*"+ext)
	if err != nil {
		return nil, fmt.Errorf("make a file to post: %w", err)
	}
	return f, nil
}

// Tidy removes the old files that no post waits with.
func (s *Spool) Tidy(ctx context.Context) error {
	entries, err := os.ReadDir(s.Dir)
	if err != nil {
		return fmt.Errorf("read the spool: %w", err)
	}
	for _, e := range entries {
		if info, err := e.Info(); err == nil && time.Since(info.ModTime()) > spoolKeep {
			s.Release(ctx, filepath.Join(s.Dir, e.Name()))
		}
	}
	return nil
}

// Release removes a file of the spool unless a post still waits with it: who puts
// another file into a slot calls it for the one before.
func (s *Spool) Release(ctx context.Context, path string) {
	used, err := s.Outbox.Uses(ctx, path)
	if err == nil && !used {
		err = os.Remove(path)
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		s.Logger.Error("remove a file that was posted", "file", filepath.Base(path), "err", err)
	}
}
