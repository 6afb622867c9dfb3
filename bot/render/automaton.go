package render

import "slices"

// automaton finds patterns in a stream of bytes, the one that ends first
// first, and overwrites them (Aho and Corasick 1975, with skipping after Wu and
// Manber 1994). Its state is the longest end of what has been seen, and
// overwritten, that begins a pattern; the bytes of that end bring an automaton
// at rest into the same state, which is why a stream may be cut anywhere.
// It is immutable.
type automaton struct {
	nodes []node     // a tree of the patterns; 0 is the root, the state of rest
	first [256]int32 // children of the root
	// skip tells, by the two bytes that end where the shortest pattern would
	// end if it began here, how many bytes from here on begin no pattern.
	skip     [1 << skipBits]uint8
	shortest int
}

// node is a state: the path from the root to it is the end seen.
type node struct {
	label          byte // the last byte of the path
	child, sibling int32
	fail           int32 // the longest proper end of the path that is a path
	depth          int32 // length of the path
	// found is how many bytes, up to here, are to be overwritten; 0 if no
	// pattern ends here. after is the state then.
	found int32
	after int32
}

const skipBits = 12

func skipIndex(a, b byte) int { return (int(a)<<4 ^ int(b)) & (1<<skipBits - 1) }

// newAutomaton needs patterns closed under overwriting, of 2 bytes or more.
func newAutomaton(patterns [][]byte) *automaton {
	a := &automaton{nodes: make([]node, 1)}
	for _, p := range patterns {
		a.insert(p)
	}
	a.link()
	a.settle()
	a.prepareSkips(patterns)
	return a
}

func (a *automaton) insert(pattern []byte) {
	at := int32(0)
	for _, b := range pattern {
		next := a.down(at, b)
		if next == 0 {
			next = int32(len(a.nodes))
			a.nodes = append(a.nodes, node{label: b, sibling: a.nodes[at].child, depth: a.nodes[at].depth + 1})
			a.nodes[at].child = next
			if at == 0 {
				a.first[b] = next
			}
		}
		at = next
	}
	a.nodes[at].found = int32(len(pattern))
}

// down is the child of a node, or 0.
func (a *automaton) down(at int32, b byte) int32 {
	if at == 0 {
		return a.first[b]
	}
	for c := a.nodes[at].child; c != 0; c = a.nodes[c].sibling {
		if a.nodes[c].label == b {
			return c
		}
	}
	return 0
}

// step is the state after another byte.
func (a *automaton) step(at int32, b byte) int32 {
	for {
		if next := a.down(at, b); next != 0 || at == 0 {
			return next
		}
		at = a.nodes[at].fail
	}
}

// link sets fail, and found where a shorter pattern ends, level by level.
func (a *automaton) link() {
	var level []int32
	for c := a.nodes[0].child; c != 0; c = a.nodes[c].sibling {
		level = append(level, c)
	}
	for i := 0; i < len(level); i++ {
		at := level[i]
		for c := a.nodes[at].child; c != 0; c = a.nodes[c].sibling {
			n := &a.nodes[c]
			n.fail = a.step(a.nodes[at].fail, n.label)
			if n.found == 0 {
				n.found = a.nodes[n.fail].found
			}
			level = append(level, c)
		}
	}
}

// settle sets the states after overwriting: what the overwritten path leads
// to.
func (a *automaton) settle() {
	var path []byte
	var visit func(at int32)
	visit = func(at int32) {
		if n := &a.nodes[at]; n.found > 0 {
			n.found, n.after = a.overwritten(path, int(n.found))
		}
		for c := a.nodes[at].child; c != 0; c = a.nodes[c].sibling {
			path = append(path, a.nodes[c].label)
			visit(c)
			path = path[:len(path)-1]
		}
	}
	visit(0)
}

// overwritten overwrites the last found bytes of the path and follows what is
// left. That may be a pattern again: then more is overwritten, and so on.
func (a *automaton) overwritten(path []byte, found int) (total, after int32) {
	text := slices.Clone(path)
	for {
		overwrite(text[len(text)-found:])
		at := int32(0)
		again := false
		for i, b := range text {
			at = a.step(at, b)
			n := a.nodes[at]
			// A pattern's length is not kept where the walk below has passed
			// already; what it found there is at least that.
			if m := int(n.found); m > 0 && slices.ContainsFunc(text[i+1-m:i+1], func(b byte) bool { return b != hide }) {
				found = max(found, len(text)-(i+1-m))
				again = true
				break
			}
		}
		if !again {
			return int32(found), at
		}
	}
}

func (a *automaton) prepareSkips(patterns [][]byte) {
	a.shortest = 255
	for _, p := range patterns {
		a.shortest = min(a.shortest, len(p))
	}
	for i := range a.skip {
		a.skip[i] = uint8(a.shortest - 1)
	}
	for _, p := range patterns {
		for end := 2; end <= a.shortest; end++ {
			s := &a.skip[skipIndex(p[end-2], p[end-1])]
			*s = min(*s, uint8(a.shortest-end))
		}
	}
}

// mask overwrites the patterns in p. held is how many bytes at the end of p
// begin a pattern.
func (a *automaton) mask(p []byte) (held int, hit bool) {
	at := int32(0)
	for i := 0; i < len(p); {
		if at == 0 {
			i += a.clear(p[i:])
			if i == len(p) {
				break
			}
		}
		at = a.step(at, p[i])
		i++
		if n := &a.nodes[at]; n.found > 0 {
			overwrite(p[i-int(n.found) : i])
			at, hit = n.after, true
		}
	}
	return int(a.nodes[at].depth), hit
}

// clear is how many bytes of p, from its beginning, begin no pattern.
func (a *automaton) clear(p []byte) int {
	i := 0
	for end := a.shortest; end <= len(p); end = i + a.shortest {
		s := a.skip[skipIndex(p[end-2], p[end-1])]
		if s == 0 {
			if a.first[p[i]] != 0 {
				return i
			}
			s = 1
		}
		i += int(s)
	}
	for i < len(p) && a.first[p[i]] == 0 {
		i++
	}
	return i
}
