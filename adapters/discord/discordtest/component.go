package discordtest

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Limits of components (Components: Component Reference).
const (
	maxRows        = 5
	maxRowButtons  = 5
	maxComponents  = 40 // of the second kind of message, nested ones too
	maxV2Text      = 4000
	maxCustomID    = 100
	maxLabel       = 80
	maxLink        = 512
	maxMenuOptions = 25
	maxMenuText    = 100
	maxPlaceholder = 150
	maxModalTitle  = 45
	maxModalRows   = 5
	maxModalText   = 4000
)

// component is any component as it is sent.
type component struct {
	Type        int               `json:"type"`
	ID          *int              `json:"id"`
	Components  []json.RawMessage `json:"components"`
	Component   json.RawMessage   `json:"component"`
	Accessory   json.RawMessage   `json:"accessory"`
	CustomID    *string           `json:"custom_id"`
	Style       *int              `json:"style"`
	Label       *string           `json:"label"`
	URL         *string           `json:"url"`
	SKU         json.RawMessage   `json:"sku_id"`
	Emoji       json.RawMessage   `json:"emoji"`
	Disabled    bool              `json:"disabled"`
	Placeholder *string           `json:"placeholder"`
	Content     *string           `json:"content"`
	Description *string           `json:"description"`
	Items       []json.RawMessage `json:"items"`
	Media       json.RawMessage   `json:"media"`
	File        json.RawMessage   `json:"file"`
	MinValues   *int              `json:"min_values"`
	MaxValues   *int              `json:"max_values"`
	MinLength   *int              `json:"min_length"`
	MaxLength   *int              `json:"max_length"`
	Required    *bool             `json:"required"`
	Value       *string           `json:"value"`
	Options     []struct {
		Label       *string `json:"label"`
		Value       *string `json:"value"`
		Description *string `json:"description"`
	} `json:"options"`
}

// The types of component.
const (
	rowType       = 1
	buttonType    = 2
	menuType      = 3
	inputType     = 4
	lastMenuType  = 8
	sectionType   = 9
	textType      = 10
	thumbnailType = 11
	galleryType   = 12
	fileType      = 13
	separatorType = 14
	containerType = 17
	labelType     = 18
)

// board is a checked set of components.
type board struct {
	f        *formErrors
	v2       bool
	rows     [][]Button
	texts    []string // of the second kind
	count    int
	ids      map[int]bool
	customs  map[string]bool
	textSize int
}

// components checks the components of a message.
func (f *formErrors) components(path string, raw json.RawMessage, v2 bool) *board {
	b := &board{f: f, v2: v2, ids: make(map[int]bool), customs: make(map[string]bool)}
	if !present(raw) {
		return b
	}
	var list []json.RawMessage
	if json.Unmarshal(raw, &list) != nil {
		f.add(path, "LIST_TYPE_CONVERT", "Only iterables may be used in a ListType")
		return b
	}
	if !v2 && len(list) > maxRows {
		f.badLength(path, 1, maxRows)
	}
	for i, one := range list {
		b.top(fmt.Sprintf("%s.%d", path, i), one, false)
	}
	if b.count > maxComponents {
		f.badLength(path, 1, maxComponents)
	}
	if b.textSize > maxV2Text {
		f.add(path, "COMPONENT_TEXT_TOO_LARGE", "The total text of the components must be 4000 or fewer in length.")
	}
	return b
}

// read decodes one component and counts it.
func (b *board) read(path string, raw json.RawMessage) (c component, ok bool) {
	if err := json.Unmarshal(raw, &c); err != nil {
		b.f.add(path, "DICT_TYPE_CONVERT", "Only dictionaries may be used in a DictType")
		return c, false
	}
	b.count++
	if c.ID != nil && *c.ID != 0 {
		if b.ids[*c.ID] || *c.ID < 0 {
			b.f.add(path+".id", "COMPONENT_ID_DUPLICATED", "Component ids must be unique")
		}
		b.ids[*c.ID] = true
	}
	return c, true
}

func (b *board) wrongType(path string, types ...int) {
	var texts []string
	for _, t := range types {
		texts = append(texts, strconv.Itoa(t))
	}
	b.f.add(path+".type", "UNION_TYPE_CHOICES", "Value of field \"type\" must be one of ("+strings.Join(texts, ", ")+").")
}

// top is a component at the top of a message, or in a container.
func (b *board) top(path string, raw json.RawMessage, contained bool) {
	c, ok := b.read(path, raw)
	if !ok {
		return
	}
	switch {
	case c.Type == rowType:
		b.row(path, c)
	case !b.v2:
		b.wrongType(path, rowType)
	case c.Type == sectionType:
		b.section(path, c)
	case c.Type == textType:
		b.text(path, c)
	case c.Type == galleryType:
		if n := len(c.Items); n < 1 || n > 10 {
			b.f.badLength(path+".items", 1, 10)
		}
	case c.Type == fileType:
		if !present(c.File) {
			b.f.required(path + ".file")
		}
	case c.Type == separatorType:
	case c.Type == containerType && !contained:
		if len(c.Components) == 0 {
			b.f.required(path + ".components")
		}
		for i, one := range c.Components {
			b.top(fmt.Sprintf("%s.components.%d", path, i), one, true)
		}
	default:
		b.wrongType(path, 1, 9, 10, 12, 13, 14, 17)
	}
}

func (b *board) section(path string, c component) {
	if n := len(c.Components); n < 1 || n > 3 {
		b.f.badLength(path+".components", 1, 3)
	}
	for i, one := range c.Components {
		at := fmt.Sprintf("%s.components.%d", path, i)
		if inner, ok := b.read(at, one); ok {
			if inner.Type != textType {
				b.wrongType(at, textType)
				continue
			}
			b.text(at, inner)
		}
	}
	if !present(c.Accessory) {
		b.f.required(path + ".accessory")
		return
	}
	inner, ok := b.read(path+".accessory", c.Accessory)
	switch {
	case !ok:
	case inner.Type == buttonType:
		b.rows = append(b.rows, []Button{b.button(path+".accessory", inner)})
	case inner.Type != thumbnailType:
		b.wrongType(path+".accessory", buttonType, thumbnailType)
	case !present(inner.Media):
		b.f.required(path + ".accessory.media")
	}
}

func (b *board) text(path string, c component) {
	if c.Content == nil || strings.TrimSpace(*c.Content) == "" {
		b.f.required(path + ".content")
		return
	}
	b.textSize += runes(*c.Content)
	b.texts = append(b.texts, *c.Content)
}

// row is an action row: up to five buttons, or one menu.
func (b *board) row(path string, c component) {
	if n := len(c.Components); n < 1 || n > maxRowButtons {
		b.f.badLength(path+".components", 1, maxRowButtons)
	}
	var row []Button
	menus := 0
	for i, one := range c.Components {
		at := fmt.Sprintf("%s.components.%d", path, i)
		inner, ok := b.read(at, one)
		switch {
		case !ok:
		case inner.Type == buttonType:
			row = append(row, b.button(at, inner))
		case inner.Type == menuType || inner.Type > inputType && inner.Type <= lastMenuType:
			menus++
			row = append(row, b.menu(at, inner))
		default:
			b.wrongType(at, 2, 3, 5, 6, 7, 8)
		}
	}
	if menus > 1 || menus == 1 && len(row) > 1 {
		b.f.add(path+".components", "COMPONENT_LAYOUT_WIDTH_EXCEEDED", "The specified component exceeds the maximum width")
	}
	b.rows = append(b.rows, row)
}

// custom checks a custom_id.
func (b *board) custom(path string, id *string) string {
	switch {
	case id == nil || *id == "":
		b.f.required(path + ".custom_id")
		return ""
	case runes(*id) > maxCustomID:
		b.f.badLength(path+".custom_id", 1, maxCustomID)
	case b.customs[*id]:
		b.f.add(path+".custom_id", "COMPONENT_CUSTOM_ID_DUPLICATED", "Component custom id cannot be duplicated")
	}
	b.customs[*id] = true
	return *id
}

func (b *board) button(path string, c component) Button {
	out := Button{Disabled: c.Disabled}
	if c.Style == nil {
		b.f.required(path + ".style")
		return out
	}
	out.Style = *c.Style
	if c.Label != nil {
		out.Label = *c.Label
	}
	if runes(out.Label) > maxLabel {
		b.f.tooLong(path+".label", maxLabel)
	}
	if strings.TrimSpace(out.Label) == "" && !present(c.Emoji) {
		b.f.add(path, "BUTTON_COMPONENT_LABEL_OR_EMOJI_REQUIRED", "A button must have a label or an emoji")
	}
	switch {
	case out.Style < 1 || out.Style > 5:
		b.f.choice(path+".style", out.Style, "1, 2, 3, 4, 5")
	case out.Style == 5 && (c.CustomID != nil && *c.CustomID != ""):
		b.f.add(path, "BUTTON_COMPONENT_CUSTOM_ID_URL_MUTUALLY_EXCLUSIVE", "A custom id and url cannot both be specified")
	case out.Style == 5:
		if c.URL == nil || *c.URL == "" {
			b.f.required(path + ".url")
			break
		}
		out.URL = *c.URL
		if runes(out.URL) > maxLink {
			b.f.tooLong(path+".url", maxLink)
		}
		if scheme, _, _ := strings.Cut(out.URL, "://"); !slices.Contains([]string{"http", "https", "discord"}, scheme) {
			b.f.add(path+".url", "URL_TYPE_INVALID_SCHEME", "Scheme must be one of ('http', 'https', 'discord').")
		}
	default:
		if c.URL != nil && *c.URL != "" {
			b.f.add(path, "BUTTON_COMPONENT_CUSTOM_ID_URL_MUTUALLY_EXCLUSIVE", "A custom id and url cannot both be specified")
		}
		out.Data = b.custom(path, c.CustomID)
	}
	return out
}

func (b *board) menu(path string, c component) Button {
	out := Button{Disabled: c.Disabled, Data: b.custom(path, c.CustomID)}
	if c.Placeholder != nil {
		out.Label = *c.Placeholder
		if runes(out.Label) > maxPlaceholder {
			b.f.tooLong(path+".placeholder", maxPlaceholder)
		}
	}
	if c.MinValues != nil && (*c.MinValues < 0 || *c.MinValues > maxMenuOptions) || c.MaxValues != nil && (*c.MaxValues < 1 || *c.MaxValues > maxMenuOptions) {
		b.f.add(path+".max_values", "NUMBER_TYPE_MAX", "int value should be less than or equal to 25.")
	}
	if c.Type != menuType {
		return out
	}
	if n := len(c.Options); n < 1 || n > maxMenuOptions {
		b.f.badLength(path+".options", 1, maxMenuOptions)
	}
	values := map[string]bool{}
	for i, o := range c.Options {
		at := fmt.Sprintf("%s.options.%d", path, i)
		for name, text := range map[string]*string{"label": o.Label, "value": o.Value} {
			if text == nil || *text == "" {
				b.f.required(at + "." + name)
			} else if runes(*text) > maxMenuText {
				b.f.tooLong(at+"."+name, maxMenuText)
			}
		}
		if o.Description != nil && runes(*o.Description) > maxMenuText {
			b.f.tooLong(at+".description", maxMenuText)
		}
		if o.Value != nil && o.Label != nil {
			if values[*o.Value] {
				b.f.add(at+".value", "SELECT_COMPONENT_OPTION_VALUE_DUPLICATED", "The specified option value is already used")
			}
			values[*o.Value] = true
			out.Options = append(out.Options, Choice{*o.Label, *o.Value})
		}
	}
	return out
}

// modal checks a form.
func (f *formErrors) modal(raw json.RawMessage) *Modal {
	var sent struct {
		CustomID   *string           `json:"custom_id"`
		Title      *string           `json:"title"`
		Components []json.RawMessage `json:"components"`
	}
	m := &Modal{}
	if json.Unmarshal(raw, &sent) != nil || !present(raw) {
		f.required("data")
		return m
	}
	b := &board{f: f, ids: make(map[int]bool), customs: make(map[string]bool)}
	m.ID = b.custom("data", sent.CustomID)
	b.customs = make(map[string]bool)
	if sent.Title == nil || strings.TrimSpace(*sent.Title) == "" {
		f.required("data.title")
	} else if m.Title = *sent.Title; runes(m.Title) > maxModalTitle {
		f.tooLong("data.title", maxModalTitle)
	}
	if n := len(sent.Components); n < 1 || n > maxModalRows {
		f.badLength("data.components", 1, maxModalRows)
	}
	for i, raw := range sent.Components {
		at := fmt.Sprintf("data.components.%d", i)
		c, ok := b.read(at, raw)
		if !ok {
			continue
		}
		var inner json.RawMessage
		switch {
		case c.Type == rowType && len(c.Components) == 1:
			inner = c.Components[0]
		case c.Type == rowType:
			f.badLength(at+".components", 1, 1)
			continue
		case c.Type == labelType && present(c.Component):
			inner = c.Component
			if c.Label == nil || *c.Label == "" {
				f.required(at + ".label")
			}
		case c.Type == textType:
			b.text(at, c)
			continue
		default:
			b.wrongType(at, rowType, textType, labelType)
			continue
		}
		if in, ok := b.input(at, inner, c); ok {
			m.Inputs = append(m.Inputs, in)
		}
	}
	return m
}

// input is a text input of a form. Its label is its own or of what it is in.
func (b *board) input(path string, raw json.RawMessage, outer component) (in Input, ok bool) {
	c, ok := b.read(path, raw)
	switch {
	case !ok:
		return in, false
	case c.Type != inputType:
		b.wrongType(path, inputType)
		return in, false
	}
	in = Input{ID: b.custom(path, c.CustomID), Required: c.Required == nil || *c.Required, Max: maxModalText}
	if c.Style == nil || *c.Style != 1 && *c.Style != 2 {
		b.f.choice(path+".style", c.Style, "1, 2")
	} else {
		in.Style = *c.Style
	}
	label := c.Label
	if outer.Type == labelType {
		label = outer.Label
	}
	switch {
	case label == nil || *label == "":
		b.f.required(path + ".label")
	case runes(*label) > maxModalTitle:
		b.f.tooLong(path+".label", maxModalTitle)
	default:
		in.Label = *label
	}
	if c.Placeholder != nil {
		if in.Placeholder = *c.Placeholder; runes(in.Placeholder) > 100 {
			b.f.tooLong(path+".placeholder", 100)
		}
	}
	if c.Value != nil {
		if in.Value = *c.Value; runes(in.Value) > maxModalText {
			b.f.tooLong(path+".value", maxModalText)
		}
	}
	if c.MinLength != nil {
		in.Min = *c.MinLength
	}
	if c.MaxLength != nil {
		in.Max = *c.MaxLength
	}
	if in.Min < 0 || in.Min > maxModalText || in.Max < 1 || in.Max > maxModalText || in.Min > in.Max {
		b.f.add(path+".max_length", "NUMBER_TYPE_MAX", "int value should be less than or equal to 4000.")
	}
	return in, true
}
