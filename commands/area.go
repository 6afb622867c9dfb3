package commands

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"chapi/bot"
	"chapi/commands/files"
)

// transferTime bounds what moves a file: the largest, over the slowest line.
const transferTime = 2 * time.Hour

// area is what the person may reach of the disk, from this chat.
func area(ctx context.Context, d Deps, req bot.Request) (files.Area, error) {
	at, err := here(ctx, d, req.Principal)
	if err != nil {
		return files.Area{}, err
	}
	a := d.Files.Area(req.Principal.Role(), inboxName(req))
	a.Dir, a.Home = at.dir, at.home
	a.Owner, err = owner(at.template.User)
	return a, err
}

// inboxName names the chat's folder in the inbox: a private chat's is the
// person's, on whatever network; a group's has the group's permanent number.
func inboxName(req bot.Request) string {
	if req.Call.Claim.Direct {
		return req.Principal.Person()
	}
	th := req.Principal.Thread()
	return th.Adapter + "_" + string(th.Chat)
}

// owner is the account that files are given to, so that programs which run as
// it can read them; nil when that is who we are.
func owner(name string) (*files.Owner, error) {
	if name == "" || os.Geteuid() != 0 {
		return nil, nil
	}
	u, err := user.Lookup(name)
	if err != nil {
		return nil, &bot.UserError{Text: "Your files belong to the account " + name + ", which is not on this machine. An owner looks at sessions.run_as.", Err: err}
	}
	uid, errUser := strconv.Atoi(u.Uid)
	gid, errGroup := strconv.Atoi(u.Gid)
	if err := errors.Join(errUser, errGroup); err != nil {
		return nil, fmt.Errorf("look up who files are given to: %w", err)
	}
	return &files.Owner{UID: uid, GID: gid}, nil
}

// unfiled says why something cannot be done with a file, in the words that the
// person used for it.
func unfiled(what string, err error) error {
	name := clip(oneLine(what), 200)
	var said *bot.UserError
	say := func(format string, a ...any) error {
		return &bot.UserError{Text: fmt.Sprintf(format, a...), Err: err}
	}
	switch {
	case err == nil, errors.As(err, &said):
		return err
	case errors.Is(err, files.ErrOutside):
		return say("%s is in no folder that is open to you here. /ls shows those that are.", name)
	case errors.Is(err, files.ErrReadOnly):
		return say("%s is open to you for reading only. /ls shows what else there is.", name)
	case errors.Is(err, files.ErrLink):
		return say("There is a link in the path %s, and links are not followed. Give the path of the file itself.", name)
	case errors.Is(err, files.ErrKind):
		return say("%s is not a file, or not a folder, as this needs it. /ls %s shows it.", name, name)
	case errors.Is(err, files.ErrExists):
		return say("There is a %s already. Choose another name.", name)
	case errors.Is(err, files.ErrQuota):
		return say("The inbox is full, so %s was not stored. /rm makes room; files.quota sets the bound.", name)
	case errors.Is(err, files.ErrChanged):
		return say("%s has changed since it was shown, so nothing was done. Look at it again.", name)
	case errors.Is(err, files.ErrTooMany):
		return say("There is too much in %s for one go. Name a part of it.", name)
	case errors.Is(err, bot.ErrTooLarge):
		return say("%s is too large. Send it in parts, or put it where /fetch can get it.", name)
	case errors.Is(err, bot.ErrNoSpace):
		return say("The disk has no room for %s; nothing of it was kept. Make space, then send it again.", name)
	case errors.Is(err, fs.ErrNotExist):
		return say("There is no %s. /ls shows what there is.", name)
	case errors.Is(err, fs.ErrPermission):
		return say("I may not do that with %s: the machine does not let my account.", name)
	case errors.Is(err, filepath.ErrBadPattern):
		return say("%s is no pattern: close the [, or put \\ before it.", name)
	}
	return err
}

// short is a path as a person would write it.
func short(a files.Area, path string) string {
	if a.Home != "/" && a.Home != "" {
		if rest, ok := strings.CutPrefix(path, a.Home+"/"); ok {
			path = "~/" + rest
		}
	}
	return oneLine(path)
}

// sized is a number of bytes as one says it.
func sized(n int64) string {
	switch {
	case n == 1:
		return "1 byte"
	case n < 1000:
		return fmt.Sprintf("%d bytes", n)
	case n < 1e6:
		return fmt.Sprintf("%.1f kB", float64(n)/1e3)
	case n < 1e9:
		return fmt.Sprintf("%.1f MB", float64(n)/1e6)
	default:
		return fmt.Sprintf("%.2f GB", float64(n)/1e9)
	}
}

// button is a key that makes a call, with arguments as name and value.
func button(label, command string, args ...string) bot.Button {
	b := bot.Button{Label: label, Command: command, Args: bot.Args{}}
	for i := 0; i+1 < len(args); i += 2 {
		b.Args[args[i]] = append(b.Args[args[i]], args[i+1])
	}
	return b
}

// askTime is how long a question waits for its answer.
const askTime = 2 * time.Minute

// question is a keyboard that only the asker may press, once, and not for long.
func question(req bot.Request, buttons ...bot.Button) *bot.Keyboard {
	return &bot.Keyboard{
		Rows: [][]bot.Button{buttons}, Once: true,
		Only: req.Principal.Account(), Expires: time.Now().Add(askTime), Asked: req.Call.ID,
	}
}
