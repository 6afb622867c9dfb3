package screen

// ansiMode sets or resets a mode of CSI h and l.
func (s *Screen) ansiMode(n int, on bool) {
	switch n {
	case 4:
		s.insert = on
	case 20:
		s.modes.NewLine = on
	}
}

// privateMode sets or resets a mode of CSI ? h and l.
func (s *Screen) privateMode(n int, on bool) {
	switch n {
	case 6:
		s.origin = on
		s.moveTo(0, 0)
	case 7:
		s.noWrap = !on
	case 9, 1000, 1002, 1003:
		s.modes.Mouse = MouseOff
		if on {
			s.modes.Mouse = mouseModes[n]
		}
	case 1005, 1006, 1015, 1016:
		s.modes.MouseEncoding = MouseX10
		if on {
			s.modes.MouseEncoding = mouseEncodings[n]
		}
	case 25:
		s.hidden = !on
	case 47, 1047, 1049:
		s.alternate(n, on)
	case 1048:
		if on {
			s.save()
		} else {
			s.restore()
		}
	case 2026:
		if on {
			s.beginSync()
		} else {
			s.endSync()
		}
	default:
		if flag := s.flag(n); flag != nil {
			*flag = on
		}
	}
}

var (
	mouseModes     = map[int]MouseMode{9: MousePress, 1000: MouseButtons, 1002: MouseDrag, 1003: MouseMotion}
	mouseEncodings = map[int]MouseEncoding{1005: MouseUTF8, 1006: MouseSGR, 1015: MouseURXVT, 1016: MousePixels}
)

// flag gives the place of a private mode that is kept and does nothing more
// when it is set; nil if there is none.
func (s *Screen) flag(n int) *bool {
	switch n {
	case 1:
		return &s.modes.ApplicationCursor
	case 5:
		return &s.modes.ReverseScreen
	case 12:
		return &s.blink
	case 45:
		return &s.reverse
	case 66:
		return &s.modes.ApplicationKeypad
	case 1004:
		return &s.modes.FocusEvents
	case 1007:
		return &s.modes.AlternateScroll
	case 2004:
		return &s.modes.BracketedPaste
	}
	return nil
}

// alternate shows the alternate screen or the normal one. 1047 clears the
// alternate screen when it is left, 1049 when it is entered, and keeps the
// cursor. As with xterm and tmux, leaving it by 1049 brings the cursor back
// even if it was not shown: dialog counts on it.
func (s *Screen) alternate(n int, on bool) {
	if on == (s.cur == &s.alt) {
		if n == 1049 && !on && s.normal.saved.given {
			s.restore()
		}
		return
	}
	if !on {
		if n == 1047 {
			s.alt.clear(0, s.rows, s.blank)
		}
		s.cur = &s.normal
		if n == 1049 {
			s.restore()
		}
		return
	}
	if n == 1049 {
		s.save()
	}
	if s.alt.rows == 0 {
		s.alt.grid = newGrid(s.cols, s.rows)
	}
	if s.cur = &s.alt; n == 1049 {
		s.alt.clear(0, s.rows, s.blank)
	}
}
