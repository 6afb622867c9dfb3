package discordtest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
)

// Limits of application commands (Application Commands: Application Command
// Object).
const (
	maxCommands       = 100
	maxCreatesPerDay  = 200
	maxCommandSize    = 8000 // characters of names, descriptions and choices together
	maxOptions        = 25
	maxChoices        = 25
	maxOptionText     = 6000
	maxChoiceText     = 100
	maxCommandSummary = 100
)

// OptionKind is the type of an option of a command, with the number of the API.
type OptionKind int

// The types of option.
const (
	SubcommandOption  OptionKind = 1
	GroupOption       OptionKind = 2
	StringOption      OptionKind = 3
	IntegerOption     OptionKind = 4
	BooleanOption     OptionKind = 5
	UserOptionKind    OptionKind = 6
	ChannelOption     OptionKind = 7
	RoleOption        OptionKind = 8
	MentionableOption OptionKind = 9
	NumberOption      OptionKind = 10
	AttachmentOption  OptionKind = 11
)

// Command is a registered application command.
type Command struct {
	ID          Snowflake       `json:"id"`
	AppID       Snowflake       `json:"application_id"`
	GuildID     *Snowflake      `json:"guild_id,omitempty"`
	Version     Snowflake       `json:"version"`
	Type        int             `json:"type"` // 1 slash, 2 of a user, 3 of a message
	Name        string          `json:"name"`
	Description string          `json:"description"`
	Options     []CommandOption `json:"options,omitempty"`

	DefaultPermissions *string         `json:"default_member_permissions"`
	DMPermission       *bool           `json:"dm_permission,omitempty"` // of a global command
	Contexts           []int           `json:"contexts"`                // 0 guild, 1 DM of the bot, 2 other private channel
	IntegrationTypes   []int           `json:"integration_types,omitempty"`
	NSFW               bool            `json:"nsfw"`
	NameLocalizations  json.RawMessage `json:"name_localizations"`
	TextLocalizations  json.RawMessage `json:"description_localizations"`
}

// CommandOption is an option of a command.
type CommandOption struct {
	Type         OptionKind      `json:"type"`
	Name         string          `json:"name"`
	Description  string          `json:"description"`
	Required     bool            `json:"required,omitempty"`
	Choices      []CommandChoice `json:"choices,omitempty"`
	Options      []CommandOption `json:"options,omitempty"`
	Autocomplete bool            `json:"autocomplete,omitempty"`
	MinValue     *float64        `json:"min_value,omitempty"`
	MaxValue     *float64        `json:"max_value,omitempty"`
	MinLength    *int            `json:"min_length,omitempty"`
	MaxLength    *int            `json:"max_length,omitempty"`
	ChannelTypes []Kind          `json:"channel_types,omitempty"`
}

// CommandChoice is a choice of an option; Value is its JSON.
type CommandChoice struct {
	Name  string          `json:"name"`
	Value json.RawMessage `json:"value"`
}

// commandBook keeps the commands, by guild; 0 is the global set.
type commandBook struct {
	byGuild map[Snowflake][]*Command
	created map[Snowflake][]time.Time
	denied  map[Snowflake]bool
}

func (b *commandBook) init() {
	b.byGuild, b.created, b.denied = make(map[Snowflake][]*Command), make(map[Snowflake][]time.Time), make(map[Snowflake]bool)
}

// Commands are the commands registered for a guild, by name; those of nil are
// the global ones.
func (s *Server) Commands(g *Guild) []Command {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []Command
	for _, c := range s.commands.byGuild[g.idOrZero()] {
		all = append(all, *c)
	}
	slices.SortFunc(all, func(a, b Command) int { return strings.Compare(a.Name, b.Name) })
	return all
}

func (g *Guild) idOrZero() Snowflake {
	if g == nil {
		return 0
	}
	return g.id
}

// DenyCommands takes the scope applications.commands from the bot in this
// guild: registering commands there fails with 50001.
func (g *Guild) DenyCommands(deny bool) {
	g.srv.mu.Lock()
	defer g.srv.mu.Unlock()
	g.srv.commands.denied[g.id] = deny
}

// HasCommand tells whether the client of a person offers a slash command (or
// subcommand, after a space) in the channel.
func (c *Channel) HasCommand(u *User, command string) bool {
	c.srv.mu.Lock()
	defer c.srv.mu.Unlock()
	_, _, err := c.srv.commands.find(c, u, command)
	return err == nil
}

// find looks for the command that a person can use in a channel, a guild's
// before a global one, and the list of options of the subcommand.
func (b *commandBook) find(c *Channel, u *User, command string) (*Command, []CommandOption, error) {
	words := strings.Fields(command)
	if len(words) == 0 {
		return nil, nil, fmt.Errorf("a command has a name")
	}
	var found *Command
	if c.guild != nil {
		found = b.named(c.guild.id, words[0], 1)
		if !c.permissions(u).Has(UseApplicationCommand) {
			return nil, nil, fmt.Errorf("%s may not use commands in %s", u.Name, c.name)
		}
	}
	if found == nil {
		found = b.named(0, words[0], 1)
		where := 0
		if c.guild == nil {
			where = 1
		}
		if found != nil && (found.Contexts != nil && !slices.Contains(found.Contexts, where) ||
			where == 1 && found.Contexts == nil && found.DMPermission != nil && !*found.DMPermission) {
			found = nil
		}
	}
	if found == nil {
		return nil, nil, fmt.Errorf("there is no command /%s here", words[0])
	}
	if p := found.DefaultPermissions; p != nil && c.guild != nil {
		needed, _ := strconv.ParseUint(*p, 10, 64)
		if may := c.permissions(u); may != all && (needed == 0 || !may.Has(Permission(needed))) {
			return nil, nil, fmt.Errorf("a client does not offer /%s to %s", words[0], u.Name)
		}
	}
	options := found.Options
	for _, word := range words[1:] {
		i := slices.IndexFunc(options, func(o CommandOption) bool { return o.Name == word && o.Type <= GroupOption })
		if i < 0 {
			return nil, nil, fmt.Errorf("there is no command /%s here", command)
		}
		options = options[i].Options
	}
	if len(options) > 0 && options[0].Type <= GroupOption {
		return nil, nil, fmt.Errorf("/%s needs a subcommand", command)
	}
	return found, options, nil
}

func (b *commandBook) named(guild Snowflake, name string, kind int) *Command {
	for _, c := range b.byGuild[guild] {
		if c.Name == name && c.Type == kind {
			return c
		}
	}
	return nil
}

// use is the data of an interaction that uses a command. With focused it is of
// an autocomplete, which may lack the rest.
func (b *commandBook) use(c *Channel, u *User, command string, given []Option, focused string) (json.RawMessage, error) {
	found, declared, err := b.find(c, u, command)
	if err != nil {
		return nil, err
	}
	for _, d := range declared {
		if d.Required && focused == "" && !slices.ContainsFunc(given, func(o Option) bool { return o.Name == d.Name }) {
			return nil, fmt.Errorf("/%s needs the option %s", command, d.Name)
		}
	}
	resolved := map[string]map[string]any{}
	filled := []any{}
	for _, o := range given {
		i := slices.IndexFunc(declared, func(d CommandOption) bool { return d.Name == o.Name })
		if i < 0 {
			return nil, fmt.Errorf("/%s has no option %s", command, o.Name)
		}
		one, err := c.fill(declared[i], o, o.Name == focused, resolved)
		if err != nil {
			return nil, fmt.Errorf("/%s: %w", command, err)
		}
		filled = append(filled, one)
	}
	words := strings.Fields(command)
	for i := len(words) - 1; i > 0; i-- {
		kind := SubcommandOption
		if i < len(words)-1 {
			kind = GroupOption
		}
		filled = []any{map[string]any{"type": kind, "name": words[i], "options": filled}}
	}
	data := map[string]any{"id": found.ID, "name": found.Name, "type": found.Type}
	if found.GuildID != nil {
		data["guild_id"] = found.GuildID
	}
	if len(filled) > 0 {
		data["options"] = filled
	}
	if len(resolved) > 0 {
		data["resolved"] = resolved
	}
	return encode(data), nil
}

// fill is one option as the client sends it.
func (c *Channel) fill(d CommandOption, o Option, focused bool, resolved map[string]map[string]any) (map[string]any, error) {
	one := map[string]any{"type": d.Type, "name": d.Name, "value": o.Value}
	if focused {
		if !d.Autocomplete {
			return nil, fmt.Errorf("%s has no autocomplete", d.Name)
		}
		one["focused"] = true
		return one, nil
	}
	resolve := func(kind string, id Snowflake, v any) {
		if resolved[kind] == nil {
			resolved[kind] = map[string]any{}
		}
		resolved[kind][id.String()] = v
		one["value"] = id
	}
	wrong := fmt.Errorf("a client does not put %v (%T) into %s", o.Value, o.Value, d.Name)
	switch v := o.Value.(type) {
	case string:
		n := runes(v)
		if d.Type != StringOption || n == 0 || n > maxOptionText || d.MinLength != nil && n < *d.MinLength || d.MaxLength != nil && n > *d.MaxLength {
			return nil, wrong
		}
	case int:
		if d.Type != IntegerOption && d.Type != NumberOption || !d.within(float64(v)) {
			return nil, wrong
		}
	case float64:
		if d.Type != NumberOption || !d.within(v) {
			return nil, wrong
		}
	case bool:
		if d.Type != BooleanOption {
			return nil, wrong
		}
	case *User:
		if d.Type != UserOptionKind && d.Type != MentionableOption {
			return nil, wrong
		}
		resolve("users", v.ID, v.wire())
		if c.guild != nil && c.guild.members[v.ID] != nil {
			resolve("members", v.ID, c.guild.members[v.ID].wire())
		}
	case *Role:
		if d.Type != RoleOption && d.Type != MentionableOption {
			return nil, wrong
		}
		resolve("roles", v.ID, v.wire())
	case *Channel:
		if d.Type != ChannelOption || d.ChannelTypes != nil && !slices.Contains(d.ChannelTypes, v.kind) {
			return nil, wrong
		}
		resolve("channels", v.id, v.wire())
	case *File:
		if d.Type != AttachmentOption {
			return nil, wrong
		}
		s := c.srv
		s.files.keep(v, s.ids.next(s.now()), c.id)
		resolve("attachments", v.ID, v.wire(s))
	default:
		return nil, wrong
	}
	if len(d.Choices) > 0 && !slices.ContainsFunc(d.Choices, func(x CommandChoice) bool { return bytes.Equal(x.Value, encode(o.Value)) }) {
		return nil, wrong
	}
	return one, nil
}

func (d *CommandOption) within(v float64) bool {
	return (d.MinValue == nil || v >= *d.MinValue) && (d.MaxValue == nil || v <= *d.MaxValue)
}

// commandScope resolves the application and guild of a call.
func (s *Server) commandScope(rq *request) (guild Snowflake, rest int, err error) {
	if rq.id(0) != s.appID {
		return 0, 0, forbidden(20012)
	}
	if rq.route.steps[2] != "guilds" {
		return 0, 1, nil
	}
	g := s.guilds[rq.id(1)]
	if g == nil || g.members[s.bot.ID] == nil || s.commands.denied[g.id] {
		return 0, 0, forbidden(50001)
	}
	return g.id, 2, nil
}

func (s *Server) getCommands(rq *request) error {
	guild, _, err := s.commandScope(rq)
	if err != nil {
		return err
	}
	list := s.commands.byGuild[guild]
	if list == nil {
		list = []*Command{}
	}
	if rq.http.URL.Query().Get("with_localizations") == "true" {
		return rq.answer(list)
	}
	return rq.answer(withoutLocalizations(list))
}

func withoutLocalizations(list []*Command) []*Command {
	bare := []*Command{}
	for _, c := range list {
		one := *c
		one.NameLocalizations, one.TextLocalizations = nil, nil
		bare = append(bare, &one)
	}
	return bare
}

// commandOf resolves the command of a call.
func (s *Server) commandOf(rq *request) (guild Snowflake, c *Command, err error) {
	guild, rest, err := s.commandScope(rq)
	if err != nil {
		return 0, nil, err
	}
	for _, c := range s.commands.byGuild[guild] {
		if c.ID == rq.id(rest) {
			return guild, c, nil
		}
	}
	return 0, nil, notFound(10063)
}

func (s *Server) getCommand(rq *request) error {
	_, c, err := s.commandOf(rq)
	if err != nil {
		return err
	}
	return rq.answer(c)
}

func (s *Server) deleteCommand(rq *request) error {
	guild, c, err := s.commandOf(rq)
	if err != nil {
		return err
	}
	s.commands.byGuild[guild] = slices.DeleteFunc(slices.Clone(s.commands.byGuild[guild]), func(x *Command) bool { return x == c })
	s.notify()
	return nil
}

func (s *Server) createCommand(rq *request) error {
	guild, _, err := s.commandScope(rq)
	if err != nil {
		return err
	}
	var f formErrors
	c := readCommand(&f, "", encode(rq.body), guild)
	if err := f.err(); err != nil {
		return err
	}
	set := slices.Clone(s.commands.byGuild[guild])
	i := slices.IndexFunc(set, func(x *Command) bool { return x.Name == c.Name && x.Type == c.Type })
	if i < 0 {
		set, i = append(set, c), len(set)
		rq.status = http.StatusCreated
	} else {
		set[i] = c
	}
	if err := s.replaceCommands(guild, set); err != nil {
		return err
	}
	return rq.answer(set[i])
}

func (s *Server) editCommand(rq *request) error {
	guild, old, err := s.commandOf(rq)
	if err != nil {
		return err
	}
	// What is not sent stays.
	merged := map[string]json.RawMessage{}
	json.Unmarshal(encode(old), &merged)
	for name, value := range rq.body {
		merged[name] = value
	}
	var f formErrors
	c := readCommand(&f, "", encode(merged), guild)
	if err := f.err(); err != nil {
		return err
	}
	c.ID = old.ID
	set := slices.Clone(s.commands.byGuild[guild])
	set[slices.Index(set, old)] = c
	if err := s.replaceCommands(guild, set); err != nil {
		return err
	}
	return rq.answer(c)
}

func (s *Server) overwriteCommands(rq *request) error {
	guild, _, err := s.commandScope(rq)
	if err != nil {
		return err
	}
	var sent []json.RawMessage
	if rq.body != nil || json.Unmarshal(rq.list, &sent) != nil {
		return invalid("", "LIST_TYPE_CONVERT", "Only iterables may be used in a ListType")
	}
	var f formErrors
	set := []*Command{}
	for i, raw := range sent {
		c := readCommand(&f, strconv.Itoa(i)+".", raw, guild)
		if slices.ContainsFunc(set, func(x *Command) bool { return x.Name == c.Name && x.Type == c.Type }) {
			f.add(strconv.Itoa(i), "APPLICATION_COMMANDS_DUPLICATE_NAME", "Application command names must be unique")
		}
		set = append(set, c)
	}
	if err := f.err(); err != nil {
		return err
	}
	if err := s.replaceCommands(guild, set); err != nil {
		return err
	}
	return rq.answer(withoutLocalizations(set))
}

// replaceCommands makes set the commands of a guild. Those with a known name
// keep their id, and their version if nothing changed; the others count as
// created today.
func (s *Server) replaceCommands(guild Snowflake, set []*Command) error {
	for kind, most := range map[int]int{1: maxCommands, 2: 5, 3: 5} {
		n := 0
		for _, c := range set {
			if c.Type == kind {
				n++
			}
		}
		if n > most {
			return badRequest(30032)
		}
	}
	now := s.now()
	b := &s.commands
	today := slices.DeleteFunc(b.created[guild], func(t time.Time) bool { return now.Sub(t) >= 24*time.Hour })
	made := 0
	for _, c := range set {
		if b.named(guild, c.Name, c.Type) == nil && c.ID == 0 {
			made++
		}
	}
	if len(today)+made > maxCreatesPerDay {
		return tooManyCreates()
	}
	for range made {
		today = append(today, now)
	}
	b.created[guild] = today
	for _, c := range set {
		c.AppID = s.appID
		if guild != 0 {
			c.GuildID = &guild
		}
		old := b.named(guild, c.Name, c.Type)
		if old == c {
			continue
		}
		if c.ID == 0 {
			c.ID = s.ids.next(now)
			if old != nil {
				c.ID = old.ID
			}
		}
		c.Version = s.ids.next(now)
		if old != nil {
			same := *c
			same.Version = old.Version
			if bytes.Equal(encode(&same), encode(old)) {
				c.Version = old.Version
			}
		}
	}
	b.byGuild[guild] = set
	s.notify()
	return nil
}

func tooManyCreates() *apiError { return badRequest(30034) }

var commandName = regexp.MustCompile(`^[-_'\p{L}\p{N}\p{Devanagari}\p{Thai}]{1,32}$`)

// readCommand checks a command; path is the prefix of its fields.
func readCommand(f *formErrors, path string, raw json.RawMessage, guild Snowflake) *Command {
	c := &Command{Type: 1}
	var sent struct {
		Type        *int            `json:"type"`
		Name        *string         `json:"name"`
		Description *string         `json:"description"`
		Options     json.RawMessage `json:"options"`
		Permissions json.RawMessage `json:"default_member_permissions"`
		DM          *bool           `json:"dm_permission"`
		Contexts    []int           `json:"contexts"`
		Types       []int           `json:"integration_types"`
		NSFW        *bool           `json:"nsfw"`
		Names       json.RawMessage `json:"name_localizations"`
		Texts       json.RawMessage `json:"description_localizations"`
	}
	if err := json.Unmarshal(raw, &sent); err != nil {
		f.add(strings.TrimSuffix(path, "."), "DICT_TYPE_CONVERT", "Only dictionaries may be used in a DictType")
		return c
	}
	if sent.Type != nil {
		c.Type = *sent.Type
	}
	if c.Type < 1 || c.Type > 3 {
		f.choice(path+"type", c.Type, "1, 2, 3")
	}
	if sent.Name == nil {
		f.required(path + "name")
	} else {
		c.Name = *sent.Name
		f.name(path+"name", c.Name, c.Type == 1)
	}
	if c.Type == 1 {
		c.Description = f.summary(path+"description", sent.Description)
	} else if sent.Description != nil && *sent.Description != "" {
		f.add(path+"description", "APPLICATION_COMMAND_TYPE_DESCRIPTION_INVALID", "Description is not allowed for this command type")
	}
	size := runes(c.Name) + runes(c.Description)
	if present(sent.Options) {
		c.Options = f.options(path+"options", sent.Options, 0, &size)
	}
	if size > maxCommandSize {
		f.add(strings.TrimSuffix(path, "."), "APPLICATION_COMMAND_TOO_LARGE", "Command exceeds maximum size (8000)")
	}
	if present(sent.Permissions) {
		var bits Permission
		text := strings.Trim(string(sent.Permissions), `"`)
		n, err := strconv.ParseUint(text, 10, 64)
		if bits = Permission(n); err != nil {
			f.add(path+"default_member_permissions", "NUMBER_TYPE_COERCE", "Value is not a permission set.")
		}
		text = strconv.FormatUint(uint64(bits), 10)
		c.DefaultPermissions = &text
	}
	if guild != 0 && sent.Contexts != nil {
		f.add(path+"contexts", "APPLICATION_COMMAND_CONTEXTS_NOT_ALLOWED", "Contexts are not allowed for guild commands")
	}
	for i, where := range sent.Contexts {
		if where < 0 || where > 2 {
			f.choice(fmt.Sprintf("%scontexts.%d", path, i), where, "0, 1, 2")
		}
	}
	c.Contexts, c.IntegrationTypes = sent.Contexts, sent.Types
	if guild == 0 {
		c.DMPermission = sent.DM
		if c.IntegrationTypes == nil {
			c.IntegrationTypes = []int{0}
		}
	}
	c.NSFW = sent.NSFW != nil && *sent.NSFW
	c.NameLocalizations, c.TextLocalizations = orNull(sent.Names), orNull(sent.Texts)
	return c
}

func orNull(raw json.RawMessage) json.RawMessage {
	if !present(raw) || string(raw) == "{}" {
		return nil
	}
	return raw
}

// name checks the name of a command or option. Slash commands are lower case.
func (f *formErrors) name(path, name string, slash bool) {
	n := runes(name)
	switch {
	case n < 1 || n > 32:
		f.badLength(path, 1, 32)
	case slash && (!commandName.MatchString(name) || strings.ContainsFunc(name, func(r rune) bool { return unicode.ToLower(r) != r })):
		f.add(path, "APPLICATION_COMMAND_INVALID_NAME", "Command name is invalid")
	}
}

func (f *formErrors) summary(path string, text *string) string {
	switch {
	case text == nil:
		f.required(path)
		return ""
	case runes(strings.TrimSpace(*text)) < 1 || runes(*text) > maxCommandSummary:
		f.badLength(path, 1, maxCommandSummary)
	}
	return *text
}

// options checks a list of options at a depth: 0 of the command, 1 of a group
// or subcommand, 2 of a subcommand in a group.
func (f *formErrors) options(path string, raw json.RawMessage, depth int, size *int) []CommandOption {
	var sent []json.RawMessage
	if json.Unmarshal(raw, &sent) != nil {
		f.add(path, "LIST_TYPE_CONVERT", "Only iterables may be used in a ListType")
		return nil
	}
	if len(sent) > maxOptions {
		f.tooLong(path, maxOptions)
	}
	var list []CommandOption
	optional, nested := false, 0
	for i, raw := range sent {
		at := fmt.Sprintf("%s.%d", path, i)
		o := f.option(at, raw, depth, size)
		if slices.ContainsFunc(list, func(x CommandOption) bool { return x.Name == o.Name }) {
			f.add(at, "APPLICATION_COMMAND_OPTIONS_NAME_ALREADY_EXISTS", "Option name already exists")
		}
		if o.Type <= GroupOption {
			nested++
		}
		if o.Required && optional {
			f.add(at, "APPLICATION_COMMAND_OPTIONS_REQUIRED_INVALID", "Required options must be placed before non-required options")
		}
		optional = optional || !o.Required
		list = append(list, o)
	}
	if nested > 0 && nested < len(list) {
		f.add(path, "APPLICATION_COMMAND_OPTIONS_TYPE_INVALID", "Sub-command and sub-command group option types are mutually exclusive to all other types")
	}
	return list
}

func (f *formErrors) option(path string, raw json.RawMessage, depth int, size *int) CommandOption {
	var sent struct {
		Type         *OptionKind     `json:"type"`
		Name         *string         `json:"name"`
		Description  *string         `json:"description"`
		Required     *bool           `json:"required"`
		Choices      []CommandChoice `json:"choices"`
		Options      json.RawMessage `json:"options"`
		Autocomplete *bool           `json:"autocomplete"`
		MinValue     *float64        `json:"min_value"`
		MaxValue     *float64        `json:"max_value"`
		MinLength    *int            `json:"min_length"`
		MaxLength    *int            `json:"max_length"`
		ChannelTypes []Kind          `json:"channel_types"`
	}
	var o CommandOption
	if err := json.Unmarshal(raw, &sent); err != nil {
		f.add(path, "DICT_TYPE_CONVERT", "Only dictionaries may be used in a DictType")
		return o
	}
	switch {
	case sent.Type == nil:
		f.required(path + ".type")
	case *sent.Type < SubcommandOption || *sent.Type > AttachmentOption:
		f.choice(path+".type", *sent.Type, "1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11")
	default:
		o.Type = *sent.Type
	}
	if sent.Name == nil {
		f.required(path + ".name")
	} else {
		o.Name = *sent.Name
		f.name(path+".name", o.Name, true)
	}
	o.Description = f.summary(path+".description", sent.Description)
	*size += runes(o.Name) + runes(o.Description)
	o.Required = sent.Required != nil && *sent.Required
	o.Autocomplete = sent.Autocomplete != nil && *sent.Autocomplete
	o.MinValue, o.MaxValue, o.MinLength, o.MaxLength, o.ChannelTypes = sent.MinValue, sent.MaxValue, sent.MinLength, sent.MaxLength, sent.ChannelTypes
	nests := o.Type == SubcommandOption || o.Type == GroupOption
	switch {
	case o.Type == GroupOption && depth > 0, o.Type == SubcommandOption && depth > 1:
		f.add(path+".type", "APPLICATION_COMMAND_OPTIONS_TYPE_INVALID", "Sub-command groups cannot be nested")
	case present(sent.Options) && string(sent.Options) != "[]" && !nests:
		f.add(path+".options", "APPLICATION_COMMAND_OPTIONS_TYPE_INVALID", "Only sub-commands and groups have options")
	case nests && present(sent.Options):
		o.Options = f.options(path+".options", sent.Options, depth+1, size)
	}
	if o.Type == GroupOption {
		for i, inner := range o.Options {
			if inner.Type != SubcommandOption {
				f.add(fmt.Sprintf("%s.options.%d.type", path, i), "APPLICATION_COMMAND_OPTIONS_TYPE_INVALID", "A group holds sub-commands only")
			}
		}
	}
	f.choices(path, &o, sent.Choices, size)
	for _, l := range []*int{o.MinLength, o.MaxLength} {
		if l != nil && (o.Type != StringOption || *l < 0 || *l > maxOptionText) {
			f.add(path, "APPLICATION_COMMAND_OPTIONS_LENGTH_INVALID", "Lengths are between 0 and 6000, for strings")
		}
	}
	if (o.MinValue != nil || o.MaxValue != nil) && o.Type != IntegerOption && o.Type != NumberOption {
		f.add(path, "APPLICATION_COMMAND_OPTIONS_MIN_MAX_INVALID", "Minimum and maximum are for numbers")
	}
	return o
}

// choices checks the choices of an option.
func (f *formErrors) choices(path string, o *CommandOption, sent []CommandChoice, size *int) {
	o.Choices = sent
	able := o.Type == StringOption || o.Type == IntegerOption || o.Type == NumberOption
	switch {
	case (len(sent) > 0 || o.Autocomplete) && !able:
		f.add(path, "APPLICATION_COMMAND_OPTIONS_TYPE_INVALID", "Choices and autocomplete are for strings and numbers")
	case len(sent) > 0 && o.Autocomplete:
		f.add(path+".autocomplete", "APPLICATION_COMMAND_OPTIONS_AUTOCOMPLETE_CHOICES", "Autocomplete and choices exclude each other")
	case len(sent) > maxChoices:
		f.tooLong(path+".choices", maxChoices)
	}
	seen := map[string]bool{}
	for i, c := range sent {
		at := fmt.Sprintf("%s.choices.%d", path, i)
		*size += runes(c.Name) + f.choiceValue(at, o.Type, c)
		if seen[c.Name] {
			f.add(at, "APPLICATION_COMMAND_OPTIONS_CHOICE_NAME_ALREADY_EXISTS", "Choice name already exists")
		}
		seen[c.Name] = true
	}
}

// choiceValue checks one choice and returns the size of a text in it.
func (f *formErrors) choiceValue(path string, kind OptionKind, c CommandChoice) int {
	if n := runes(c.Name); n < 1 || n > maxChoiceText {
		f.badLength(path+".name", 1, maxChoiceText)
	}
	var text string
	var number float64
	switch {
	case !present(c.Value):
		f.required(path + ".value")
	case kind == StringOption:
		if json.Unmarshal(c.Value, &text) != nil {
			f.add(path+".value", "STRING_TYPE_CONVERT", "Could not interpret value as string.")
		} else if n := runes(text); n < 1 || n > maxChoiceText {
			f.badLength(path+".value", 1, maxChoiceText)
		}
	case json.Unmarshal(c.Value, &number) != nil, kind == IntegerOption && (number != math.Trunc(number) || math.Abs(number) > 1<<53):
		f.add(path+".value", "NUMBER_TYPE_COERCE", "Value is not int.")
	}
	return runes(text)
}
