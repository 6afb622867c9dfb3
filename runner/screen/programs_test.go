package screen

import "strings"

const ncursesExamples = "/usr/libexec/ncurses-examples/"

const goSource = `package main

import "fmt"

// main greets.
func main() {
	for i := 0; i < 10; i++ {
		fmt.Println("hello", i) // 漢字 e` + "\u0301" + `
	}
}
`

const wideText = "漢字かな交じり文 한국어 中文\n" +
	"e\u0301 a\u0308 o\u0302\u0323 combining\n" +
	"\U0001f600\U0001f680 \U0001f44d emoji\n" +
	"กำลัง नमस्ते\n" +
	"┌─┬─┐ █▓▒░ ⠿⣿ ←→ ±½\n" +
	"0123456789012345678901234567890123456789012345678901234567890123456789012345678漢字\n"

// colours is a shell script that draws with all kinds of colours.
const colours = `for i in $(seq 0 107); do printf '\033[%dm%d\033[m ' $i $i; done; echo
for i in $(seq 16 8 255); do printf '\033[38;5;%dmx\033[48;5;%dm \033[m' $i $i; done; echo
for i in $(seq 0 16 255); do printf '\033[38;2;%d;0;%dm#\033[48;2;0;%d;9m \033[0m' $i $i $i; done; echo
printf '\033[1;3;4;9mall\033[22;24moff\033[m\033[7mreverse\033[27m \033[4:3mcurly\033[4:0m \033[58;5;9;4mline\033[m\n'
`

// progress is a bar below a scroll region, as apt draws it.
const progress = `printf '\n\0337\033[1;23r\0338\033[1A'
for i in $(seq 40); do
	echo "Unpacking package $i ..."
	printf '\0337\033[24;1H\033[42;30mProgress: [%3d%%]\033[49;39m [%.*s]\033[K\0338' $((i*5/2)) $i '########################################'
done
printf '\0337\033[1;24r\0338\033[J\nfinished\n'
`

// programs are what the emulator is held against tmux with.
var programs = []program{
	{name: "bash", argv: []string{"bash", "--norc", "--noprofile"}, env: []string{"PS1=\\[\\e[1;32m\\]me\\[\\e[m\\]$ "}, steps: []step{
		{shows: "me$"},
		{keys: "echo one two three", shows: "two three"},
		{keys: "\x1b[D\x1b[D\x1bb\x1bbXY", shows: "XYtwo"},
		{keys: "\x01\x1bd\x0b\x19", shows: "three"},
		{keys: "\x15echo " + strings.Repeat("long ", 40) + "end", shows: "end"},
		{keys: "\x01\x1b[C\x1b[C\x04\x04", shows: "me$ ec long"},
		{keys: "\x15\x12ec", shows: "reverse-i-search"},
		{keys: "\x07\x05\x15printf '\\e[31m%s\\e[m\\n' {1..60}\r", shows: "60\nme$"},
	}},
	{name: "vim", argv: []string{"vim", "-u", "NONE", "-N", "-c", "set nomore ruler showcmd incsearch hlsearch", "-c", "syntax on", "main.go"}, files: map[string]string{"main.go": goSource + strings.Repeat("// more\n", 60)}, steps: []step{
		{shows: "package main"},
		{keys: "iinserted text ", shows: "inserted text"},
		{keys: "\x1bo\tand a new line\x1b", shows: "a new line"},
		{keys: "\x04", shows: "// more"},
		{keys: "ggdd", shows: "1,"},
		{keys: "/hello\r", shows: "/hello"},
		{keys: ":vsplit\r:split\r", shows: "main.go [+]"},
		{keys: "\x17l4dd", shows: "fewer lines"},
		{keys: ":set number cursorline\r", shows: "  1 "},
		{keys: ":qa!\r", ends: true},
	}},
	{name: "less", argv: []string{"less", "-R", "text"}, files: map[string]string{"text": "\x1b[1;33mtitle\x1b[0m\n" + lines(200)}, steps: []step{
		{shows: "title"},
		{keys: " ", shows: "line 34 "},
		{keys: "b", shows: "title"},
		{keys: "jjj", shows: "line 19 "},
		{keys: "k", gone: "line 19 "},
		{keys: "/line 1.0\r", shows: "line 100 "},
		{keys: "G", shows: "(END)"},
		{keys: "q", ends: true},
	}},
	{name: "nano", argv: []string{"nano", "--rcfile=/dev/null", "text"}, files: map[string]string{"text": lines(60)}, steps: []step{
		{shows: "Help"},
		{keys: "some typed text", shows: "some typed text"},
		{keys: "\x16", shows: "line 3"},
		{keys: "\x16", shows: "line 4"},
		{keys: "\x0b", shows: "Modified"},
		{keys: "\x17line 50\r", shows: "line 50"},
		{keys: "\x18", shows: "Save modified buffer"},
	}},
	{name: "htop", argv: []string{"htop", "-d", "2"}, unkept: true, steps: []step{
		{shows: "F10"},
		{keys: "\x1b[B\x1b[B", bytes: 500},
		{keys: "t", shows: "Command"},
		{keys: "\x1bOQ", shows: "Meters"},
		{keys: "\x1b[B", bytes: 100},
		{keys: "\x1b[21~", gone: "Meters"},
	}},
	{name: "top", argv: []string{"top", "-d", "1"}, unkept: true, steps: []step{
		{shows: "PID"},
		{keys: "z", bytes: 1500},
		{keys: "1", shows: "%Cpu0"},
		{keys: "h", shows: "Help for"},
	}},
	{name: "mc", argv: []string{"mc", "--nosubshell", "-X"}, files: map[string]string{"one": lines(90), "two.tar": "x", "three.go": goSource}, steps: []step{
		{shows: "10Quit"},
		{keys: "\x1bOB", shows: "/.cache  "},
		{keys: "\x1bOF", shows: "┤\n│ two.tar"},
		{keys: "\x1b9\x1bOB", shows: "Listing"},
		{keys: "\x1b[21~", gone: "Listing"},
		{keys: "\x1bOR", shows: "1Help"},
	}},
	{name: "dialog", argv: []string{"dialog", "--colors", "--title", "Choose", "--checklist", "What \\Z1is\\Zn wanted?", "15", "50", "6",
		"a", "the first", "on", "b", "the second", "off", "c", "漢字 the third", "off"}, steps: []step{
		{shows: "the third"},
		{keys: "\x1bOB ", bytes: 40},
		{keys: "\t\t", bytes: 40},
	}},
	{name: "whiptail", argv: []string{"whiptail", "--title", "A title", "--menu", "Choose one", "15", "60", "4", "1", "one", "2", "two", "3", "three"}, steps: []step{
		{shows: "three"},
		{keys: "\x1bOB\x1bOB", bytes: 40},
	}},
	{name: "apt", argv: []string{"sh", "-c", "apt list 'libc*' 'bash*' 2>/dev/null"}, steps: []step{{ends: true}}},
	{name: "progress", argv: []string{"bash", "-c", progress}, steps: []step{{ends: true}}},
	{name: "git", argv: []string{"sh", "-c", gitScript}, env: []string{"GIT_CONFIG_GLOBAL=/dev/null", "GIT_PAGER=less -R"}, steps: []step{
		{shows: "commit"},
		{keys: " ", bytes: 50},
		{keys: "q", shows: "graph done"},
	}},
	{name: "python3", argv: []string{"python3", "-q", "-i"}, files: map[string]string{".inputrc": ""}, steps: []step{
		{shows: ">>>"},
		{keys: "print('漢字', [i*i for i in range(40)])\r", shows: "1521]\n>>>"},
		{keys: "x = 'abc\x1b[D\x1b[D\x1b[DX", shows: "'Xabc"},
		{keys: "\x05'\r1/0\r", shows: "ZeroDivisionError"},
	}},
	{name: "ls", argv: []string{"sh", "-c", "ls --color=always -l /usr /etc; ls --color=always /usr/bin | head -200; ls -C --color=always /usr/lib"}, steps: []step{{ends: true}}},
	{name: "wide", argv: []string{"cat", "text"}, files: map[string]string{"text": wideText + wideText}, steps: []step{{ends: true}}},
	{name: "colours", argv: []string{"bash", "-c", colours}, steps: []step{{ends: true}}},
	{name: "tmux", argv: []string{"tmux", "-L", "inner", "-f", "conf", "new-session", "bash --norc --noprofile"}, files: map[string]string{"conf": "set -g assume-paste-time 0\n"}, env: []string{"PS1=in$ ", "SHELL=/bin/sh"}, steps: []step{
		{shows: "in$"},
		{keys: "seq 50; ls --color /usr\r", shows: "sbin"},
		{keys: "\x02%", shows: "│"},
		{keys: "\x02\"", shows: "├"},
		{keys: "seq 30\r", shows: "30"},
		{keys: "\x02[\x1b[A\x1b[A\x1b[A\x1b[A", shows: "[0/"},
		{keys: "q\x02:", shows: "\n:"},
		{keys: "kill-server\r", ends: true},
	}},
	{name: "ncurses", argv: []string{ncursesExamples + "ncurses"}, steps: []step{
		{shows: "attribute"},
		{keys: "b\r", shows: "Enter '?'"},
		{keys: "?", bytes: 100},
	}},
	{name: "ncurses-colours", argv: []string{ncursesExamples + "ncurses"}, steps: []step{{shows: "attribute"}, {keys: "c\r", bytes: 1500}}},
	{name: "worm", argv: []string{ncursesExamples + "worm"}, steps: []step{{bytes: 4000}}},
	{name: "firework", argv: []string{ncursesExamples + "firework"}, steps: []step{{bytes: 600}}},
	{name: "knight", argv: []string{ncursesExamples + "knight"}, steps: []step{{shows: "KNIGHT"}, {keys: "?", bytes: 100}}},
}

const gitScript = `git init -q . && git config user.name Me && git config user.email me@example.org
for i in 1 2 3 4 5 6; do echo $i >>file; git add file; git commit -qm "change $i: $(seq -s ' ' 30)"; done
git checkout -qb side HEAD~3; echo s >other; git add other; git commit -qm "on the side"; git merge -q -m "a merge" -; echo new >>file
git log --color -p; git log --graph --oneline --color --all | cat; git diff --color | cat; git status | cat; echo graph done; sleep 60`
