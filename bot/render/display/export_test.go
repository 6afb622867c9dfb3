package display

// What the tests need besides, from outside the package: they hide secrets by
// package render, which imports this one.
var Units = units

const (
	CursorUnder = cursorUnder
	CursorBlock = cursorBlock
	MaxChoices  = maxChoices
)
