package display

import (
	"regexp"
	"strconv"
	"strings"

	"chapi/runner/screen"
)

// FullScreen tells whether a full-screen program has the terminal: one that
// asked for the alternate screen, for the mouse, or for keypad keys while it
// hides the cursor.
func FullScreen(v screen.View) bool {
	return v.Alternate || v.Modes.Mouse != screen.MouseOff || v.Modes.ApplicationKeypad && !v.Cursor.Visible
}

// Kind is what a program waits for.
type Kind int

// The kinds of prompts.
const (
	NoPrompt Kind = iota
	YesNo         // a question answered by y or n, or by the whole words
	Menu          // one of a list of numbered entries
	AnyKey        // any key, or Enter
	Pager         // less, more, man: turning pages
)

// Prompt is what the program on a screen seems to wait for. It is a guess, good
// enough for offering buttons, never for pressing one.
type Prompt struct {
	Kind Kind
	// Choices are the answers, in the order of the screen; for Pager and AnyKey
	// there are none.
	Choices []Choice
	// End is true of a Pager that shows the last lines.
	End bool
}

// Choice is one answer.
type Choice struct {
	Label string // as the screen says it, at most 40 characters
	Input string // what to type; Enter is to follow
}

// maxChoices is how many entries of a menu are offered; a keypad has no more
// room.
const maxChoices = 20

// maxLabel is the most characters of a label: a button of a phone's width.
const maxLabel = 40

// The forms of prompts. They are looked for at the end of the cursor's line,
// before the cursor.
var (
	yesNo  = regexp.MustCompile(`(?i)[\[(<]\s*(y|yes|j|ja|o|oui|s|sí|si|sim|t|tak|д|да)\s*(?:[/|,]| or )\s*(n|no|nein|nej|non|não|nie|н|нет)(?:[^\pL][^\])>]*)?[\])>]|[\[(]\s*(n|no)\s*[/|]\s*(y|yes)\s*[\])]|\b(yes)(?:/| or )(no)\b(?:\W*\bor\b[^?]*)?\?*\s*[:?]|\b(y)/(n)\s*[:?]?$`)
	asking = regexp.MustCompile(`[?:\])>]\s*$`)
	anyKey = regexp.MustCompile(`(?i)\b(press|hit|type|push|strike)\b[^.]{0,12}\b(any key|a key|enter|return|space|<enter>|\[enter\]|<return>)|\bany key to continue\b|\benter to continue\b`)
	// Entries are "1) label", "1. label", "[1] label", "1: label", "1 - label".
	entry   = regexp.MustCompile(`^[\s>*❯→▸•│|]*[\[(]?(\d{1,2})(?:[.):\]]+|\s+-)\s+(\S.*)$`)
	between = regexp.MustCompile(`\s{2,}[\[(]?(\d{1,2})[.)\]]+\s+`)
	more    = regexp.MustCompile(`^--?(More|Mehr|Más|Plus|Fortsetzung)--?|^-- ?(More|more)|^\s*Manual page .* line \d+|^lines \d+-\d+|\(press h for help or q to quit\)|\(END\)$|^\S+ lines \d+-\d+/\d+ `)
)

// Waiting guesses what the program waits for.
func Waiting(v screen.View) Prompt {
	row, line := last(v)
	if line == "" {
		return Prompt{}
	}
	if p, ok := pager(v, row, line); ok {
		return p
	}
	if anyKey.MatchString(line) {
		return Prompt{Kind: AnyKey}
	}
	if p, ok := question(line); ok {
		return p
	}
	if choices := menu(v, row); len(choices) >= 2 {
		return Prompt{Kind: Menu, Choices: choices}
	}
	return Prompt{}
}

// last is the row that a prompt would be in: the cursor's, as far as the cursor;
// or, if that is blank or the cursor is hidden, the last one with text.
func last(v screen.View) (row int, line string) {
	if v.Cursor.Visible && v.Cursor.Row < v.Rows && v.Cursor.Row >= 0 {
		line = strings.TrimRight(text(v.Row(v.Cursor.Row)[:min(max(v.Cursor.Col, 0), v.Cols)]), " ")
		if line != "" {
			// A question that was too long for its row began above.
			row = v.Cursor.Row
			for at := row - 1; at >= 0 && at < len(v.Wrapped) && v.Wrapped[at] && row-at < maxWrapped; at-- {
				line = text(v.Row(at)) + line
			}
			return row, line
		}
	}
	for row = v.Rows - 1; row >= 0; row-- {
		if line = strings.TrimRight(text(v.Row(row)), " "); line != "" {
			return row, line
		}
	}
	return 0, ""
}

// maxWrapped is how many rows a question may take.
const maxWrapped = 4

// pager knows less and more by their last line: a colon with the cursor behind
// it, the words that they use, or one reversed piece of text at its left with
// the cursor behind it, which is a file's name.
func pager(v screen.View, row int, line string) (Prompt, bool) {
	end := strings.HasSuffix(line, "(END)") || strings.Contains(line, "(END) ")
	if row == v.Rows-1 && (line == ":" || reversed(v, row)) || more.MatchString(line) && (row >= v.Rows-2 || end) {
		return Prompt{Kind: Pager, End: end}, true
	}
	return Prompt{}, false
}

// reversed tells whether a row is one reversed text up to the visible cursor.
func reversed(v screen.View, row int) bool {
	if !v.Cursor.Visible || v.Cursor.Row != row || v.Cursor.Col < 3 || !v.Alternate {
		return false
	}
	for _, c := range v.Row(row)[:min(v.Cursor.Col, v.Cols)] {
		if !c.Style.Reverse {
			return false
		}
	}
	return true
}

// question finds a question for yes or no. The words of the answers are those
// of the question: "yes" where it wants the whole word, "j" where it is German.
func question(line string) (Prompt, bool) {
	m := yesNo.FindStringSubmatchIndex(line)
	if m == nil || len(line)-m[1] > 3 && !asking.MatchString(line) {
		return Prompt{}, false
	}
	var yes, no string
	for i := 2; i < len(m); i += 2 {
		if m[i] < 0 {
			continue
		}
		if word := strings.ToLower(line[m[i]:m[i+1]]); strings.HasPrefix(word, "n") || strings.HasPrefix(word, "н") {
			no = word
		} else {
			yes = word
		}
	}
	return Prompt{Kind: YesNo, Choices: []Choice{{Label: "Yes", Input: yes}, {Label: "No", Input: no}}}, true
}

// maxGap is how many rows may lie between a menu and the line that asks, and
// between its entries.
const maxGap = 3

// menu collects numbered entries above the line that asks, upwards until the
// numbers begin.
func menu(v screen.View, row int) []Choice {
	if line := text(v.Row(row)); entry.MatchString(line) && v.Cursor.Row == row {
		return nil // somebody writes a list
	}
	var found []Choice
	for at, gap := row-1, 0; at >= 0 && gap <= maxGap; at-- {
		inRow := entries(text(v.Row(at)))
		if len(inRow) == 0 {
			gap++
			continue
		}
		found, gap = append(inRow, found...), 0
		if first := inRow[0].Input; first == "0" && len(found) > 1 || first == "1" && !zeroAbove(v, at) {
			break
		}
	}
	if !counts(found) {
		return nil
	}
	return found[:min(len(found), maxChoices)]
}

// zeroAbove tells whether the list goes on with 0 above its 1.
func zeroAbove(v screen.View, row int) bool {
	if row == 0 {
		return false
	}
	above := entries(text(v.Row(row - 1)))
	return len(above) > 0 && above[0].Input == "0"
}

// entries are the numbered entries of a row; some menus have columns.
func entries(line string) []Choice {
	m := entry.FindStringSubmatch(line)
	if m == nil {
		return nil
	}
	number, rest := m[1], m[2]
	var found []Choice
	for {
		at := between.FindStringSubmatchIndex(rest)
		if at == nil {
			return append(found, choice(number, rest))
		}
		found = append(found, choice(number, rest[:at[0]]))
		number, rest = rest[at[2]:at[3]], rest[at[1]:]
	}
}

func choice(number, label string) Choice {
	label = strings.TrimRight(label, " │|")
	if runes := []rune(label); len(runes) > maxLabel {
		label = string(runes[:maxLabel-1]) + "…"
	}
	return Choice{Label: number + " " + label, Input: number}
}

// counts tells whether the entries are a list: numbers that begin at 0 or 1 and
// are all different; in columns they do not come in order.
func counts(found []Choice) bool {
	seen := map[int]bool{}
	for _, c := range found {
		n, err := strconv.Atoi(c.Input)
		if err != nil || seen[n] {
			return false
		}
		seen[n] = true
	}
	for n := 1; n < len(found); n++ {
		if !seen[n] {
			return false
		}
	}
	return len(found) > 0
}

// text is the text of cells, a byte or more per column; without hidden text.
func text(cells []screen.Cell) string {
	var b strings.Builder
	for _, c := range cells {
		switch {
		case c.Width == 0:
		case c.Style.Hidden || plain(c.Text) == "":
			b.WriteByte(' ')
		default:
			b.WriteString(plain(c.Text))
		}
	}
	return b.String()
}
