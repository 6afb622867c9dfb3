package discordtest

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Limits of messages (Message: Create Message, Embed Limits).
const (
	maxContent   = 2000 // code points
	maxNonce     = 25
	maxEmbeds    = 10
	maxEmbedText = 6000
	maxFileText  = 1024
)

// runes counts code points, as the real server does.
func runes(text string) int { return utf8.RuneCountInString(text) }

// draft is a checked message, or the change of one.
type draft struct {
	content    *string // nil: not sent
	embeds     *[]json.RawMessage
	components json.RawMessage // nil: not sent
	board      *board
	flags      *int
	nonce      string
	enforce    bool
	allowed    *allowedMentions
	reply      *replyTo

	files   []*File     // uploaded now
	uploads []*uploaded // their parts of the request
	keep    []Snowflake // files of the message that stay
	keepSet bool        // keep was sent
}

type replyTo struct {
	id   Snowflake
	must bool // fail_if_not_exists
}

// drafting is where a draft is for.
type drafting struct {
	path    string // of its fields
	edit    bool
	webhook bool // the answer to an interaction
	v2      bool // the message has the flag already
}

// The flags that a call may set: on create, on edit, in the answer to an
// interaction.
const (
	createFlags  = flagSuppressEmbeds | flagSuppressNotifications | flagComponentsV2
	editFlags    = flagSuppressEmbeds | flagComponentsV2
	webhookFlags = createFlags | flagEphemeral
)

// read checks the members of a message.
func (rq *request) read(body map[string]json.RawMessage, d drafting) (*draft, error) {
	var f formErrors
	out := &draft{}
	p := d.path
	if raw, ok := body["content"]; ok {
		text := f.text(p+"content", raw)
		if trimmed := strings.TrimSpace(text); trimmed != text {
			rq.remark("content was trimmed")
			text = trimmed
		}
		if runes(text) > maxContent {
			f.tooLong(p+"content", maxContent)
		}
		out.content = &text
	}
	if raw := body["flags"]; present(raw) {
		f.flags(p+"flags", raw, d, out)
	}
	v2 := d.v2 || out.flags != nil && *out.flags&flagComponentsV2 != 0
	if raw, ok := body["embeds"]; ok {
		list := f.embeds(p+"embeds", raw)
		out.embeds = &list
	}
	if present(body["embed"]) {
		rq.remark("embed is not a field of this API version")
	}
	if raw, ok := body["components"]; ok {
		out.components = raw
		if !present(raw) {
			out.components = emptyList
		}
		out.board = f.components(p+"components", raw, v2)
	}
	if v2 && (out.content != nil && *out.content != "" || out.embeds != nil && len(*out.embeds) > 0) {
		f.add(p+"flags", "MESSAGE_CANNOT_USE_LEGACY_FIELDS_WITH_COMPONENTS_V2", "Messages with the IS_COMPONENTS_V2 flag cannot have content or embeds")
	}
	f.nonce(p, body, d, out)
	out.allowed = f.mentions(p+"allowed_mentions", body["allowed_mentions"], d.webhook)
	f.reference(p+"message_reference", body["message_reference"], out)
	for _, name := range []string{"sticker_ids", "poll"} {
		if raw := body[name]; present(raw) && string(raw) != "[]" {
			f.add(p+name, "BASE_TYPE_INVALID", "This server knows neither stickers nor polls")
		}
	}
	if err := rq.readFiles(&f, body["attachments"], d, out); err != nil {
		return nil, err
	}
	return out, f.err()
}

// text is a string; null is an empty one.
func (f *formErrors) text(path string, raw json.RawMessage) (text string) {
	if present(raw) && json.Unmarshal(raw, &text) != nil {
		f.add(path, "STRING_TYPE_CONVERT", "Could not interpret value as string.")
	}
	return text
}

func (f *formErrors) flags(path string, raw json.RawMessage, d drafting, out *draft) {
	var flags int
	if json.Unmarshal(raw, &flags) != nil {
		f.add(path, "NUMBER_TYPE_COERCE", "Value is not int.")
		return
	}
	able := createFlags
	switch {
	case d.webhook && !d.edit:
		able = webhookFlags
	case d.edit:
		able = editFlags | flagSuppressNotifications | flagEphemeral | flagHasThread | flagLoading // those of the message may be repeated
	}
	if flags&^able != 0 {
		f.add(path, "BITFIELD_TYPE_INVALID", fmt.Sprintf("Flags %d cannot be set here.", flags&^able))
	}
	out.flags = &flags
}

func (f *formErrors) nonce(p string, body map[string]json.RawMessage, d drafting, out *draft) {
	raw := body["nonce"]
	if present(raw) {
		var number json.Number
		switch {
		case raw[0] == '"':
			json.Unmarshal(raw, &out.nonce)
		case json.Unmarshal(raw, &number) == nil && !strings.ContainsAny(number.String(), ".eE"):
			out.nonce = number.String()
		default:
			f.add(p+"nonce", "NONCE_TYPE_INVALID", "A nonce is a string or an integer.")
		}
		if runes(out.nonce) > maxNonce {
			f.tooLong(p+"nonce", maxNonce)
		}
	}
	if raw := body["enforce_nonce"]; present(raw) {
		if json.Unmarshal(raw, &out.enforce) != nil {
			f.add(p+"enforce_nonce", "BOOLEAN_TYPE_CONVERT", "Must be either true or false.")
		}
	}
	if d.edit || d.webhook {
		out.nonce, out.enforce = "", false // not known there
	}
}

func (f *formErrors) reference(path string, raw json.RawMessage, out *draft) {
	if !present(raw) {
		return
	}
	var sent struct {
		Type *int       `json:"type"`
		ID   *Snowflake `json:"message_id"`
		Must *bool      `json:"fail_if_not_exists"`
	}
	switch {
	case json.Unmarshal(raw, &sent) != nil:
		f.add(path, "DICT_TYPE_CONVERT", "Only dictionaries may be used in a DictType")
	case sent.Type != nil && *sent.Type != 0:
		f.add(path+".type", "BASE_TYPE_INVALID", "This server takes no forwards by bots")
	case sent.ID == nil || *sent.ID == 0:
		f.required(path + ".message_id")
	default:
		out.reply = &replyTo{id: *sent.ID, must: sent.Must == nil || *sent.Must}
	}
}

// embeds checks embeds.
func (f *formErrors) embeds(path string, raw json.RawMessage) []json.RawMessage {
	if !present(raw) {
		return nil
	}
	var list []json.RawMessage
	if json.Unmarshal(raw, &list) != nil {
		f.add(path, "LIST_TYPE_CONVERT", "Only iterables may be used in a ListType")
		return nil
	}
	if len(list) > maxEmbeds {
		f.tooLong(path, maxEmbeds)
	}
	total := 0
	for i, one := range list {
		total += f.embed(fmt.Sprintf("%s.%d", path, i), one)
		list[i] = splice(one, `"type":"rich"`)
	}
	if total > maxEmbedText {
		f.add(path, "MAX_EMBED_SIZE_EXCEEDED", "Embed size exceeds maximum size of 6000")
	}
	return list
}

// embed checks one embed and returns the size of its texts.
func (f *formErrors) embed(path string, raw json.RawMessage) (size int) {
	var e struct {
		Embed
		Author struct {
			Name string `json:"name"`
		} `json:"author"`
		Image     json.RawMessage `json:"image"`
		Thumbnail json.RawMessage `json:"thumbnail"`
		Video     json.RawMessage `json:"video"`
	}
	if json.Unmarshal(raw, &e) != nil {
		f.add(path, "DICT_TYPE_CONVERT", "Only dictionaries may be used in a DictType")
		return 0
	}
	limit := func(name, text string, most int) {
		n := runes(strings.TrimSpace(text))
		if n > most {
			f.tooLong(path+"."+name, most)
		}
		size += n
	}
	limit("title", e.Title, 256)
	limit("description", e.Description, 4096)
	limit("footer.text", e.Footer.Text, 2048)
	limit("author.name", e.Author.Name, 256)
	if len(e.Fields) > 25 {
		f.tooLong(path+".fields", 25)
	}
	for i, field := range e.Fields {
		at := "fields." + strconv.Itoa(i)
		if strings.TrimSpace(field.Name) == "" {
			f.required(path + "." + at + ".name")
		}
		if strings.TrimSpace(field.Value) == "" {
			f.required(path + "." + at + ".value")
		}
		limit(at+".name", field.Name, 256)
		limit(at+".value", field.Value, 1024)
	}
	if size == 0 && !present(e.Image) && !present(e.Thumbnail) {
		f.required(path + ".description")
	}
	if e.URL != "" && !strings.HasPrefix(e.URL, "http://") && !strings.HasPrefix(e.URL, "https://") {
		f.add(path+".url", "URL_TYPE_INVALID_SCHEME", "Scheme must be one of ('http', 'https').")
	}
	return size
}

// readFiles matches the attachments with the parts of the request.
func (rq *request) readFiles(f *formErrors, raw json.RawMessage, d drafting, out *draft) error {
	byIndex := map[int]*uploaded{}
	for _, up := range rq.files {
		switch {
		case up.index < 0:
			f.add(up.field, "FILE_FIELD_INVALID", "Files are named files[n].")
		case byIndex[up.index] != nil:
			f.add(up.field, "FILE_FIELD_DUPLICATED", "Files have different numbers.")
		case up.file.Name == "":
			f.add(up.field, "BASE_TYPE_REQUIRED", "A file has a name.")
		}
		byIndex[up.index] = up
	}
	if present(raw) {
		if err := rq.describeFiles(f, raw, d, byIndex, out); err != nil {
			return err
		}
	}
	for _, up := range rq.files {
		name := cleanName(up.file.Name)
		if name != up.file.Name {
			rq.remark("the name of a file was cleaned")
		}
		up.file.Name = name
		out.files = append(out.files, up.file)
	}
	out.uploads = rq.files
	return nil
}

func (rq *request) describeFiles(f *formErrors, raw json.RawMessage, d drafting, byIndex map[int]*uploaded, out *draft) error {
	var sent []struct {
		ID          json.RawMessage `json:"id"`
		Name        *string         `json:"filename"`
		Description *string         `json:"description"`
	}
	path := d.path + "attachments"
	if json.Unmarshal(raw, &sent) != nil {
		f.add(path, "LIST_TYPE_CONVERT", "Only iterables may be used in a ListType")
		return nil
	}
	out.keepSet = true
	named := map[int]bool{}
	for i, a := range sent {
		at := fmt.Sprintf("%s.%d", path, i)
		var id Snowflake
		if !present(a.ID) || id.UnmarshalJSON(a.ID) != nil {
			f.required(at + ".id")
			continue
		}
		if a.Description != nil && runes(*a.Description) > maxFileText {
			f.tooLong(at+".description", maxFileText)
		}
		up := byIndex[int(id)]
		if up == nil || id > 1000 {
			if d.edit {
				out.keep = append(out.keep, id)
				continue
			}
			return badRequest(50146)
		}
		named[up.index] = true
		if a.Description != nil {
			up.file.Description = *a.Description
		}
		if a.Name != nil && *a.Name != "" {
			up.file.Name = *a.Name
		}
	}
	for _, up := range rq.files {
		if up.index >= 0 && !named[up.index] {
			f.add(path, "FILE_NOT_DESCRIBED", fmt.Sprintf("%s is not among the attachments.", up.field))
		}
	}
	return nil
}

// cleanName keeps the letters of a file name that survive.
func cleanName(name string) string {
	return strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("._-", r) {
			return r
		}
		return '_'
	}, name)
}

// checkFiles checks number, size and the right to send files.
func (s *Server) checkFiles(d *draft, already int, g *Guild) error {
	if len(d.files)+already > maxFiles {
		return badRequest(30015)
	}
	for _, f := range d.files {
		if f.Size > s.uploadLimit(g) {
			return tooLarge()
		}
	}
	return nil
}

// visibleText is everything of a draft that people can be notified by.
func (d *draft) visibleText() string {
	var parts []string
	if d.content != nil {
		parts = append(parts, *d.content)
	}
	if d.board != nil {
		parts = append(parts, d.board.texts...)
	}
	return strings.Join(parts, "\n")
}
