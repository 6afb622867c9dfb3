package discordtest

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
// text that contains the fragment, or its code with the fragment as text, so
// that Check accepts it. With the method "gateway" it is about the problems of
// gateways, such as a close with 4004.
func (s *Server) Expect(method, fragment string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.expected = append(s.expected, expectation{method, fragment})
}

func (s *Server) expects(method, text string) bool {
	return slices.ContainsFunc(s.expected, func(e expectation) bool {
		return (e.method == "" || strings.EqualFold(e.method, method)) && strings.Contains(text, e.fragment)
	})
}

// problem notes a broken rule.
func (s *Server) problem(text string) {
	if len(s.problems) < maxProblems && !slices.Contains(s.problems, text) {
		s.problems = append(s.problems, text)
	}
}

// Problems is what Check reports.
func (s *Server) Problems() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := slices.DeleteFunc(slices.Clone(s.problems), func(p string) bool {
		return strings.HasPrefix(p, "gateway: ") && s.expects("gateway", p)
	})
	s.calls.all(func(c *Call) {
		if c.refused() && !s.expects(c.Method, fmt.Sprintf("%d %d %s", c.Status, c.Code, c.Text)) {
			all = append(all, fmt.Sprintf("%s was refused: %d/%d %s (%s %s %.200s)", c.Method, c.Status, c.Code, c.Text, c.HTTP, c.Path, c.Body))
		}
	})
	if s.invalid.total > s.opts.MaxInvalid {
		all = append(all, fmt.Sprintf("%d calls were answered with 401, 403 or 429, at most %d are fine", s.invalid.total, s.opts.MaxInvalid))
	}
	if n := s.gateway.identifies; n > s.opts.MaxIdentifies {
		all = append(all, fmt.Sprintf("gateway: the bot identified %d times, at most %d are fine", n, s.opts.MaxIdentifies))
	}
	return all
}

// Check fails the test for every broken rule that no well-made bot breaks: a
// refused call that was not expected, output that pings somebody or makes a
// link preview, a redirect that was followed, the token sent elsewhere than in
// Authorization and Identify, a gateway protocol error, too many invalid calls
// or identifies.
func (s *Server) Check(t TB) {
	t.Helper()
	for _, p := range s.Problems() {
		t.Errorf("discordtest: %s", p)
	}
}
