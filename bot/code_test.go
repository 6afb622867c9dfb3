package bot

import "testing"

func TestBlocksOfCodeBetweenMarks(t *testing.T) {
	for _, c := range []struct {
		rule, text     string
		language, code string // no code: there is no block
		around         string
	}{
		{"a block with its language", "```python\nprint(1)\n```", "python", "print(1)", ""},
		{"a block without", "```\nls\nls -l\n```", "", "ls\nls -l", ""},
		{"in one line there is no language", "```ls -l```", "", "ls -l", ""},
		{"a first line of several words is code", "```echo a\necho b```", "", "echo a\necho b", ""},
		{"text around it", "/run\n```sh\nls\n```\nplease", "sh", "ls", "/run\n\nplease"},
		{"blank lines and indentation stay", "```py\n\n  x\n```", "py", "\n  x", ""},
		{"only the first counts", "```a\nb```  ```c\nd```", "a", "b", "  ```c\nd```"},
		{"no end", "```python\nprint(1)", "", "", ""},
		{"nothing in it", "```\n \n```", "", "", ""},
		{"no block", "`ls`", "", "", ""},
	} {
		b := Fenced(c.text)
		if b == nil {
			if c.code != "" {
				t.Errorf("%s: no block", c.rule)
			}
			continue
		}
		if b.Language != c.language || b.Text != c.code || b.without(c.text) != c.around {
			t.Errorf("%s: %q in %q, around it %q", c.rule, b.Text, b.Language, b.without(c.text))
		}
		if b.alone(c.text) != (c.around == "") {
			t.Errorf("%s: alone is %v", c.rule, b.alone(c.text))
		}
	}
}

func FuzzBlocksOfCode(f *testing.F) {
	f.Add("/run ```sh\nls\n``` x")
	f.Fuzz(func(t *testing.T, text string) {
		b := Fenced(text)
		if b == nil {
			return
		}
		if !b.fits(text) || b.Text == "" {
			t.Errorf("%q: %+v", text, b)
		}
		b.without(text)
		b.bare(text)
	})
}
