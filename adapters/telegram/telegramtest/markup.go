package telegramtest

import (
	"encoding/json"
	"strings"
)

// Bounds of an inline keyboard. The real ones are not published; these are
// the largest keyboards that have been seen to work.
const (
	maxButtons    = 100
	maxButtonData = 64 // bytes
	maxMarkup     = 10 << 10
	maxCopyText   = 256
)

// markup is a parsed reply_markup.
type markup struct {
	keyboard [][]Button
	other    bool // reply keyboard, removal or force-reply
}

type sentMarkup struct {
	Inline *[][]struct {
		Text    *string                `json:"text"`
		Data    *string                `json:"callback_data"`
		URL     string                 `json:"url"`
		Copy    *struct{ Text string } `json:"copy_text"`
		WebApp  json.RawMessage        `json:"web_app"`
		Login   json.RawMessage        `json:"login_url"`
		Switch  *string                `json:"switch_inline_query"`
		Current *string                `json:"switch_inline_query_current_chat"`
		Chosen  json.RawMessage        `json:"switch_inline_query_chosen_chat"`
	} `json:"inline_keyboard"`
	Keyboard json.RawMessage `json:"keyboard"`
	Remove   bool            `json:"remove_keyboard"`
	Force    bool            `json:"force_reply"`
}

// parseMarkup reads reply_markup (get_reply_markup).
func parseMarkup(text string) (markup, error) {
	if text == "" {
		return markup{}, nil
	}
	if !json.Valid([]byte(text)) {
		return markup{}, badRequest("can't parse reply keyboard markup JSON object")
	}
	switch trimmed := strings.TrimSpace(text); {
	case trimmed == "null":
		return markup{}, nil
	case trimmed[0] != '{':
		return markup{}, badRequest("object expected as reply markup")
	}
	var sent sentMarkup
	if err := json.Unmarshal([]byte(text), &sent); err != nil {
		return markup{}, badRequest("can't parse inline keyboard: wrong type of a field")
	}
	if len(text) > maxMarkup {
		return markup{}, badRequest("reply markup is too long")
	}
	if sent.Inline == nil {
		return markup{other: sent.Keyboard != nil || sent.Remove || sent.Force}, nil
	}
	var m markup
	count := 0
	for _, row := range *sent.Inline {
		var buttons []Button
		for _, b := range row {
			if b.Text == nil {
				return markup{}, badRequest(`can't parse inline keyboard button: Can't find field "text"`)
			}
			button := Button{Label: *b.Text, URL: b.URL}
			switch {
			case strings.TrimSpace(*b.Text) == "":
				return markup{}, badRequest("BUTTON_TEXT_INVALID")
			case b.Data != nil:
				if *b.Data == "" || len(*b.Data) > maxButtonData {
					return markup{}, badRequest("BUTTON_DATA_INVALID")
				}
				button.Data = *b.Data
			case b.URL != "":
				if !strings.Contains(b.URL, "://") && !strings.Contains(b.URL, ".") {
					return markup{}, badRequest("inline keyboard button URL '" + b.URL + "' is invalid: Wrong HTTP URL")
				}
			case b.Copy != nil:
				if b.Copy.Text == "" || runes(b.Copy.Text) > maxCopyText {
					return markup{}, badRequest("BUTTON_COPY_TEXT_INVALID")
				}
				button.Copy = b.Copy.Text
			case b.WebApp != nil, b.Login != nil, b.Switch != nil, b.Current != nil, b.Chosen != nil:
			default:
				return markup{}, badRequest("can't parse inline keyboard button: Text buttons are unallowed in the inline keyboard")
			}
			buttons = append(buttons, button)
			if count++; count > maxButtons {
				return markup{}, badRequest("reply markup is too long")
			}
		}
		if len(buttons) > 0 {
			m.keyboard = append(m.keyboard, buttons)
		}
	}
	return m, nil
}

func sameKeyboard(a, b [][]Button) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if len(a[i]) != len(b[i]) {
			return false
		}
		for j := range a[i] {
			if a[i][j] != b[i][j] {
				return false
			}
		}
	}
	return true
}

func appendKeyboard(b []byte, keyboard [][]Button) []byte {
	b = append(b, `{"inline_keyboard":[`...)
	for i, row := range keyboard {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, '[')
		for j, button := range row {
			if j > 0 {
				b = append(b, ',')
			}
			b = member(append(b, '{'), "text", button.Label)
			switch {
			case button.Data != "":
				b = member(b, "callback_data", button.Data)
			case button.URL != "":
				b = member(b, "url", button.URL)
			case button.Copy != "":
				b = member(append(key(b, "copy_text"), '{'), "text", button.Copy)
				b = append(b, '}')
			}
			b = append(b, '}')
		}
		b = append(b, ']')
	}
	return append(b, "]}"...)
}
