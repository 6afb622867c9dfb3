package bot

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
)

// Attachment is a file on the network that came with a message.
type Attachment struct {
	Name string // as the sender called it: never a path to use as is
	MIME string
	Size int64  // bytes; 0 when the network did not say
	Ref  string // opaque to all but the adapter
}

// albumsKept is how many albums are remembered: their messages come within
// seconds of each other.
const albumsKept = 64

// AlbumArg is the argument of PutCommand that names the album that the file is of.
const AlbumArg = "album"

// albumKey is one album of one person.
type albumKey struct {
	thread  Thread
	account Account
	album   string
}

// attached makes an entry of files without a command: they are put away. Text
// that came with them is a caption, unless it is for a session that lives.
func (r *Reception) attached(ctx context.Context, m Message, p Principal, about SessionID) (entry *Entry, ok bool, err error) {
	if len(m.Attachments) == 0 {
		return nil, false, nil
	}
	if m.Text != "" && (about != "" || r.Session.HasKeyboard(ctx, m.Thread)) {
		return nil, false, nil // input; the files are put away beside it
	}
	entry, err = r.put(m, p, m.Text)
	return entry, true, err
}

// beside makes a second entry for the files of a message whose text became
// something that does not take them; nil when there is nothing to put away.
func (r *Reception) beside(m Message, first *Entry) (*Entry, error) {
	if first == nil || m.Button != "" || len(m.Attachments) == 0 {
		return nil, nil
	}
	if first.Call != nil {
		if c, ok := r.Parser.Command(first.Call.Command); ok && c.Files {
			return nil, nil
		}
	}
	p, err := r.Policy.Authorize(m.Claim)
	if err != nil || !p.May(User) {
		return nil, nil // the first has told them
	}
	m.Key += "/files"
	m.Text, m.ReplyTo = "", ""
	return r.put(m, p, "")
}

// put makes the entry that puts the files of a message away.
func (r *Reception) put(m Message, p Principal, caption string) (*Entry, error) {
	c, ok := r.Parser.Command(PutCommand)
	if !ok {
		return nil, fmt.Errorf("no command %q is declared", PutCommand)
	}
	args := r.recallAlbum(m)
	if caption != "" {
		args["caption"] = []string{clip(caption, 200)}
	}
	entry := r.enter(m, p, c, Call{Args: args})
	if caption == "" {
		entry.Call.Text = "/" + PutCommand + " " + clip(m.Attachments[0].Name, 100)
	}
	return entry, nil
}

// noteAlbum remembers what was said of the first file of an album: the caption
// comes with one of them only, and means all.
func (r *Reception) noteAlbum(m Message, args Args) {
	if m.Album == "" {
		return
	}
	args[AlbumArg] = []string{m.Album}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.albums == nil || len(r.albums) >= albumsKept {
		r.albums = map[albumKey]Args{}
	}
	r.albums[albumKey{m.Thread, m.Account, m.Album}] = args
}

// recallAlbum is a copy of what was said of the album that the file is of.
func (r *Reception) recallAlbum(m Message) Args {
	r.mu.Lock()
	defer r.mu.Unlock()
	args := Args{}
	if m.Album != "" {
		args[AlbumArg] = []string{m.Album}
		maps.Copy(args, r.albums[albumKey{m.Thread, m.Account, m.Album}])
	}
	return args
}

// continued makes an entry of text that answers the answer of a command which
// wants that: the same call again, with the text as an argument.
func (r *Reception) continued(ctx context.Context, m Message, p Principal, about SessionID) (*Entry, bool, error) {
	if m.ReplyTo == "" || about != "" || m.Text == "" || len(m.Text) > MaxText || len(m.Attachments) > 0 {
		return nil, false, nil
	}
	id, err := r.answered(ctx, m)
	if err == nil {
		var asked Call
		if asked, err = r.Store.Call(ctx, id); err == nil {
			c, ok := r.Parser.Command(asked.Command)
			if !ok || c.Reply == "" {
				return nil, false, nil
			}
			args := maps.Clone(asked.Args)
			args[c.Reply] = []string{m.Code.bare(m.Text)}
			if m.Code.alone(m.Text) {
				args[c.Reply] = []string{m.Code.Text}
			}
			return r.enter(m, p, c, Call{Args: args}), true, nil
		}
	}
	if errors.Is(err, ErrNotFound) {
		return nil, false, nil
	}
	return nil, false, err
}

// answered is the call that the message's reply is about; ErrNotFound without.
func (r *Reception) answered(ctx context.Context, m Message) (id CallID, err error) {
	room := m.Thread.Room()
	waiting := r.untilRecorded(ctx, room, func() bool {
		if id, err = r.Store.Answered(ctx, room, m.ReplyTo); !errors.Is(err, ErrNotFound) {
			return true
		}
		known, failed := r.Store.Posted(ctx, room, m.ReplyTo)
		return known || failed != nil // another message of ours
	})
	return id, cmp.Or(waiting, err)
}
