package telegramtest

import (
	"fmt"
	"slices"
	"strings"
)

// maxProblems bounds what Problems remembers.
const maxProblems = 1000

// TB is the part of testing.TB that Check uses.
type TB interface {
	Helper()
	Errorf(format string, args ...any)
}

// expectation is a refusal that a test provokes.
type expectation struct{ method, fragment string }

// Expect announces that calls of a method ("" for any) may be refused with a
// text that contains the fragment, so that Check accepts it.
func (s *Server) Expect(method, fragment string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.expected = append(s.expected, expectation{method, fragment})
}

func (s *Server) expects(c *Call) bool {
	return slices.ContainsFunc(s.expected, func(e expectation) bool {
		return (e.method == "" || strings.EqualFold(e.method, c.Method)) && strings.Contains(c.Text, e.fragment)
	})
}

// problem notes a broken rule.
func (s *Server) problem(text string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.problems) < maxProblems && !slices.Contains(s.problems, text) {
		s.problems = append(s.problems, text)
	}
}

// Problems is what Check reports.
func (s *Server) Problems() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := slices.Clone(s.problems)
	s.calls.all(func(c *Call) {
		if c.refused() && !s.expects(c) {
			all = append(all, fmt.Sprintf("%s was refused: %d %s (%s)", c.Method, c.Code, c.Text, c.Params.brief()))
		}
	})
	return all
}

// brief is the parameters for an error text, shortened.
func (p Params) brief() string {
	var b strings.Builder
	for i, one := range p {
		if i > 0 {
			b.WriteString(", ")
		}
		fmt.Fprintf(&b, "%s=%.80q", one.Name, one.Value)
	}
	return b.String()
}

// Check fails the test for every broken rule that no well-made bot breaks: a
// refused call that was not expected, a redirect that was followed, the token
// sent elsewhere than in the path.
func (s *Server) Check(t TB) {
	t.Helper()
	for _, p := range s.Problems() {
		t.Errorf("telegramtest: %s", p)
	}
}
