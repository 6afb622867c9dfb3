package bot

import (
	"context"
	"strings"
)

// CodeBlock is a block of code in a message, as its sender marked it.
type CodeBlock struct {
	Language string // as the sender named it, such as "python"; may be empty
	Text     string // without marks around it
	// From and To are where it stands in Message.Text, in bytes, with its marks
	// if they are part of the text.
	From, To int
}

// fence is what begins and ends a block in text networks.
const fence = "```"

// Fenced is the first block between ``` marks in a text, for networks that send
// the marks as text; nil when there is none. What follows the opening mark in its
// line is the language, if it is one word and more lines follow.
func Fenced(text string) *CodeBlock {
	from := strings.Index(text, fence)
	if from < 0 {
		return nil
	}
	inner := text[from+len(fence):]
	end := strings.Index(inner, fence)
	if end < 0 {
		return nil
	}
	b := &CodeBlock{From: from, To: from + len(fence) + end + len(fence), Text: inner[:end]}
	if first, rest, lines := strings.Cut(b.Text, "\n"); lines && len(strings.Fields(first)) <= 1 {
		b.Language, b.Text = strings.TrimSpace(first), rest
	}
	b.Text = strings.TrimSuffix(b.Text, "\n")
	if strings.TrimSpace(b.Text) == "" {
		return nil
	}
	return b
}

// without is the text around the block.
func (b *CodeBlock) without(text string) string {
	if b == nil || !b.fits(text) {
		return text
	}
	return text[:b.From] + text[b.To:]
}

// bare is the text with the block in it as its content alone.
func (b *CodeBlock) bare(text string) string {
	if b == nil || !b.fits(text) {
		return text
	}
	return text[:b.From] + b.Text + text[b.To:]
}

func (b *CodeBlock) fits(text string) bool { return 0 <= b.From && b.From <= b.To && b.To <= len(text) }

// alone reports whether the message is the block and nothing else.
func (b *CodeBlock) alone(text string) bool {
	return b != nil && strings.TrimSpace(b.without(text)) == ""
}

// args are the arguments by which a command gets the block.
func (b *CodeBlock) args(args Args) Args {
	if args == nil {
		args = Args{}
	}
	args["code"] = []string{b.Text}
	if b.Language != "" {
		args["language"] = []string{b.Language}
	}
	return args
}

// code makes an entry of a message that is a block of code: the person is asked
// what to do with it. ok is false where it is text for somebody else.
func (r *Reception) code(ctx context.Context, m Message, p Principal, about SessionID) (entry *Entry, ok bool) {
	if !m.Code.alone(m.Text) || about != "" || m.ReplyTo != "" || !m.Direct && !m.Addressed || r.Session.HasKeyboard(ctx, m.Thread) {
		return nil, false
	}
	c, ok := r.Parser.Command(CodeCommand)
	if !ok {
		return nil, false
	}
	return r.enter(m, p, c, Call{Args: m.Code.args(nil)}), true
}
