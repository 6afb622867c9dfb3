package gui

import (
	"testing"
)

// A look is what a display costs every two seconds, a picture what a change does.
func BenchmarkLook(b *testing.B) {
	h := newHall(b)
	h.open("/usr/bin/xterm", "-e", "sh", "-c", "seq 1000; exec cat")
	h.ready()
	at, err := h.at("1")
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		m, err := at.look(b.Context())
		if err != nil {
			b.Fatal(err)
		}
		shrink(m)
	}
}

func BenchmarkPicture(b *testing.B) {
	h := newHall(b)
	h.open("/usr/bin/xterm", "-e", "sh", "-c", "seq 1000; exec cat")
	h.ready()
	for b.Loop() {
		if _, err := h.Picture(b.Context(), "1"); err != nil {
			b.Fatal(err)
		}
	}
}
