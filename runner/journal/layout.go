package journal

import (
	"fmt"
	"strconv"
	"strings"

	"chapi/bot"
)

// Budgets, in bytes of output.
const (
	// DefaultBudget is used where a budget of 0 is asked for.
	DefaultBudget = 64 << 20
	// MinBudget is the smallest: below it, more time would go into making
	// files than into filling them.
	MinBudget = 4 << 10
)

// tailSegments is how many files the second half of a budget is cut into. More
// of them follow the promise of "the last half" more closely; fewer cost less
// to make and to delete.
const tailSegments = 8

// layout says where the files of a journal begin and how long they are.
type layout struct {
	head    int64 // bytes of the first segment, which is never deleted
	segment int64 // bytes of each later one
}

func layoutFor(budget int64) layout {
	switch {
	case budget <= 0:
		budget = DefaultBudget
	case budget < MinBudget:
		budget = MinBudget
	}
	segment := budget / (2 * tailSegments)
	return layout{head: budget - tailSegments*segment, segment: segment}
}

// Kept tells which bytes a journal with this budget keeps of an output of end
// bytes, as long as the disk takes everything: a function of the two numbers
// and of nothing else.
//
// Up to the budget everything is kept. Beyond it, with S a sixteenth of the
// budget (rounded down), the first budget-8S bytes are kept for ever, and the
// rest of the output is cut into segments of S bytes of which the last eight
// are kept, the one being filled included. So the first half is exact, the
// last half is short by less than S, and the sum is never over the budget.
func Kept(budget, end int64) []bot.Range {
	l := layoutFor(budget)
	if end <= 0 {
		return nil
	}
	if end <= l.head+tailSegments*l.segment {
		return []bot.Range{{From: 0, To: end}}
	}
	filling := (end - 1 - l.head) / l.segment
	oldest := l.head + (filling-tailSegments+1)*l.segment
	return []bot.Range{{From: 0, To: l.head}, {From: oldest, To: end}}
}

// The names of a journal's files: the offset of the segment's first byte in
// twenty digits, so that they sort, and what is in the file.
const (
	dataSuffix  = ".out"
	marksSuffix = ".marks"
	nameDigits  = 20
)

func dataName(start int64) string  { return fmt.Sprintf("%0*d%s", nameDigits, start, dataSuffix) }
func marksName(start int64) string { return fmt.Sprintf("%0*d%s", nameDigits, start, marksSuffix) }

// startOf reads the name of a data file.
func startOf(name string) (start int64, ok bool) {
	digits, ok := strings.CutSuffix(name, dataSuffix)
	if !ok || len(digits) != nameDigits {
		return 0, false
	}
	start, err := strconv.ParseInt(digits, 10, 64)
	return start, err == nil && start >= 0
}
