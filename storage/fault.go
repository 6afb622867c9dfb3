package storage

import (
	"errors"
	"fmt"
	"syscall"

	"chapi/bot"
)

// Result codes of SQLite, https://www.sqlite.org/rescode.html. The low byte is
// the primary code.
const (
	codeBusy     = 5
	codeReadOnly = 8
	codeIO       = 10
	codeFull     = 13
	codeCantOpen = 14

	codeIORead      = codeIO | 1<<8
	codeIOShortRead = codeIO | 2<<8
	codeIOCorruptFS = codeIO | 33<<8
)

// code is the SQLite result code in err, or 0. Every driver for SQLite has its
// own error type with this method.
func code(err error) int {
	var coded interface{ Code() int }
	if errors.As(err, &coded) {
		return coded.Code()
	}
	return 0
}

// isBusy reports whether another process holds the database.
func isBusy(err error) bool { return code(err)&0xff == codeBusy }

// fault adds bot.ErrNoSpace to an error that says that nothing can be written
// now, and returns every other error as it is.
func fault(err error) error {
	if err == nil || errors.Is(err, bot.ErrNoSpace) || !noSpace(err) {
		return err
	}
	return fmt.Errorf("%w: %w", bot.ErrNoSpace, err)
}

func noSpace(err error) bool {
	switch c := code(err); c & 0xff {
	case codeFull, codeReadOnly:
		return true
	case codeIO:
		// All but the failures to read: write, sync, truncate, lock, and those
		// of the shared memory file, which grows like any other.
		return c != codeIORead && c != codeIOShortRead && c != codeIOCorruptFS
	case codeCantOpen:
		// The log or its index could not be made beside the database, which
		// was opened for writing before. SQLite does not say why.
		return true
	}
	for _, errno := range []syscall.Errno{syscall.ENOSPC, syscall.EROFS, syscall.EDQUOT} {
		if errors.Is(err, errno) {
			return true
		}
	}
	return false
}
