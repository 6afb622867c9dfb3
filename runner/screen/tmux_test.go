package screen

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
	"unicode/utf8"
)

// tmuxServer is a tmux of the test's own, without a configuration.
type tmuxServer struct {
	t   *testing.T
	dir string
}

func startTmux(t *testing.T) *tmuxServer {
	t.Helper()
	if _, err := exec.LookPath("tmux"); err != nil {
		t.Fatal("tmux is missing: make tools installs it")
	}
	m := &tmuxServer{t: t, dir: shortDir(t)}
	t.Cleanup(func() { m.command("kill-server").Run() })
	m.run("new-session", "-d", "-x", "80", "-y", "24", "exec sleep 600", ";",
		"set-option", "-g", "status", "off", ";", "set-option", "-g", "history-limit", "10000")
	return m
}

func (m *tmuxServer) command(args ...string) *exec.Cmd {
	cmd := exec.Command("tmux", append([]string{"-L", "screen", "-f", "/dev/null"}, args...)...)
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "TMUX_TMPDIR=" + m.dir, "LC_ALL=C.UTF-8", "TERM=xterm-256color", "SHELL=/bin/sh"}
	return cmd
}

func (m *tmuxServer) run(args ...string) string {
	m.t.Helper()
	out, err := m.command(args...).CombinedOutput()
	if err != nil {
		m.t.Fatalf("tmux %q: %v: %s", args, err, out)
	}
	return string(out)
}

// pane is a pane of tmux that shows what is written to it.
type pane struct {
	server *tmuxServer
	t      *testing.T
	name   string
	feed   *os.File
	writes int
}

func (m *tmuxServer) pane(t *testing.T, name string) *pane {
	t.Helper()
	fifo := m.dir + "/" + name
	if err := syscall.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	m.run("new-session", "-d", "-s", name, "-x", strconv.Itoa(recordCols), "-y", strconv.Itoa(recordRows),
		"stty raw -echo; exec cat "+fifo)
	feed, err := os.OpenFile(fifo, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { feed.Close() })
	return &pane{server: m, t: t, name: name, feed: feed}
}

// The state of a pane beside its cells, as tmux formats it.
const paneState = "#{cursor_x},#{cursor_y} cursor=#{cursor_flag} alternate=#{alternate_on} insert=#{insert_flag} " +
	"appcursor=#{keypad_cursor_flag} appkeypad=#{keypad_flag} origin=#{origin_flag} wrap=#{wrap_flag} " +
	"region=#{scroll_region_upper}-#{scroll_region_lower} " +
	"mouse=#{mouse_standard_flag}#{mouse_button_flag}#{mouse_all_flag} sgr=#{mouse_sgr_flag} utf8=#{mouse_utf8_flag}"

// show writes output to the pane and gives what it shows when all is drawn: a
// title that comes behind tells when.
func (p *pane) show(output []byte) (state, capture string) {
	p.t.Helper()
	p.writes++
	title := fmt.Sprintf("drawn-%d", p.writes)
	if _, err := p.feed.Write(append(bytes.Clone(output), "\x1b]2;"+title+"\x1b\\"...)); err != nil {
		p.t.Fatal(err)
	}
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); {
		out := p.server.run("display-message", "-p", "-t", "="+p.name+":", "#{pane_title} "+paneState, ";",
			"capture-pane", "-p", "-e", "-N", "-t", "="+p.name+":")
		first, rest, _ := strings.Cut(out, "\n")
		if got, state, _ := strings.Cut(first, " "); got == title {
			return state, rest
		}
		time.Sleep(2 * time.Millisecond)
	}
	p.t.Fatalf("tmux did not draw %d bytes", len(output))
	return "", ""
}

// stateOf is a screen's paneState.
func stateOf(s *Screen) string {
	x := s.x
	if s.pending {
		x++
	}
	m := s.modes
	mouse := map[MouseMode]string{MouseOff: "000", MousePress: "000", MouseButtons: "100", MouseDrag: "010", MouseMotion: "001"}[m.Mouse]
	bit := func(on bool) int {
		if on {
			return 1
		}
		return 0
	}
	return fmt.Sprintf("%d,%d cursor=%d alternate=%d insert=%d appcursor=%d appkeypad=%d origin=%d wrap=%d region=%d-%d mouse=%s sgr=%d utf8=%d",
		x, s.y, bit(!s.hidden), bit(s.cur == &s.alt), bit(s.insert), bit(m.ApplicationCursor), bit(m.ApplicationKeypad),
		bit(s.origin), bit(!s.noWrap), s.top, s.bottom-1, mouse, bit(m.MouseEncoding == MouseSGR), bit(m.MouseEncoding == MouseUTF8))
}

// captured reads what capture-pane -e writes: rows of text with SGR, and SO
// and SI around line drawing.
func captured(capture string, cols, rows int) [][]Cell {
	var grid [][]Cell
	var look Style
	graphic := false
	for _, line := range strings.Split(capture, "\n")[:rows] {
		var row []Cell
		for len(line) > 0 {
			switch {
			case strings.HasPrefix(line, "\x1b["):
				end := strings.IndexByte(line, 'm')
				look = tmuxStyle(look, line[2:end])
				line = line[end+1:]
				continue
			case line[0] == 0x0e || line[0] == 0x0f:
				graphic = line[0] == 0x0e
				line = line[1:]
				continue
			}
			r, size := utf8.DecodeRuneInString(line)
			text := line[:size]
			line = line[size:]
			if graphic && r >= 0x5f && r < 0x7f {
				r = lineDrawing[r-0x5f]
				text = string(r)
			}
			columns := width(r)
			if columns == 0 && len(row) > 0 {
				last := len(row) - 1
				if row[last].Width == 0 {
					last--
				}
				row[last].Text += text
				continue
			}
			row = append(row, Cell{Text: text, Width: uint8(columns), Style: look})
			if columns == 2 {
				row = append(row, Cell{Style: look})
			}
		}
		for len(row) < cols {
			row = append(row, Cell{Text: " ", Width: 1})
		}
		grid = append(grid, row)
	}
	return grid
}

// tmuxStyle follows the SGR that tmux writes: semicolons between parameters,
// colons for the kinds of underlines only.
func tmuxStyle(s Style, params string) Style {
	parts := strings.Split(params, ";")
	num := func(i int) int {
		n, _ := strconv.Atoi(parts[i])
		return n
	}
	for i := 0; i < len(parts); i++ {
		if strings.HasPrefix(parts[i], "4:") {
			s.Underline = parts[i] != "4:0"
			continue
		}
		switch n := num(i); {
		case n == 0:
			s = Style{}
		case n == 1:
			s.Bold = true
		case n == 2:
			s.Dim = true
		case n == 3:
			s.Italic = true
		case n == 4:
			s.Underline = true
		case n == 5:
			s.Blink = true
		case n == 7:
			s.Reverse = true
		case n == 8:
			s.Hidden = true
		case n == 9:
			s.Strike = true
		case n >= 30 && n <= 37:
			s.Fg = Palette(uint8(n - 30))
		case n >= 90 && n <= 97:
			s.Fg = Palette(uint8(n - 82))
		case n == 39:
			s.Fg = 0
		case n >= 40 && n <= 47:
			s.Bg = Palette(uint8(n - 40))
		case n >= 100 && n <= 107:
			s.Bg = Palette(uint8(n - 92))
		case n == 49:
			s.Bg = 0
		case n == 38 || n == 48 || n == 58:
			c := Palette(uint8(num(i + 2)))
			if i += 2; num(i-1) == 2 {
				c = RGB(uint8(num(i)), uint8(num(i+1)), uint8(num(i+2)))
				i += 2
			}
			switch n {
			case 38:
				s.Fg = c
			case 48:
				s.Bg = c
			default:
				s.UnderlineColor = c
			}
		}
	}
	return s
}

// edges draws on the last column of each row. capture-pane leaves out what
// erasing has coloured at the end of a row: so there is none.
var edges = func() []byte {
	b := []byte("\x1b[m\x1b[4l\x1b[r\x1b[?6l\x1b(B\x0f")
	for y := range recordRows {
		b = fmt.Appendf(b, "\x1b[%d;%dH|", y+1, recordCols)
	}
	return b
}()

// differences lists the cells in which a screen differs from tmux's: in text
// and, if all columns were captured, in style.
func differences(s *Screen, capture string, styles bool) []string {
	var list []string
	v := s.View()
	want := captured(capture, v.Cols, v.Rows)
	for y := range v.Rows {
		for x, got := range v.Row(y) {
			if got.Text == "" && got.Width == 1 {
				got.Text = " "
			}
			if len(want[y]) != v.Cols {
				list = append(list, fmt.Sprintf("row %d: tmux has %d columns", y, len(want[y])))
				break
			}
			if !styles {
				got.Style, want[y][x].Style = Style{}, Style{}
			}
			if got != want[y][x] {
				list = append(list, fmt.Sprintf("row %d column %d: %+v, tmux has %+v", y, x, got, want[y][x]))
			}
		}
	}
	return list
}
