package render

import (
	"io"
	"sync"
)

// MaskingWriter hides the secrets in what is written to it, across writes too,
// before w gets it. The end of a write that may be the beginning of a secret
// waits for the next, or for Close, which does not close w. It is safe for
// concurrent use. After w's first error all writes return it.
func (m *Masker) MaskingWriter(w io.Writer) io.WriteCloser {
	return &maskingWriter{masker: m, next: w}
}

type maskingWriter struct {
	masker *Masker
	next   io.Writer

	mu   sync.Mutex
	held []byte
	err  error
}

func (w *maskingWriter) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	text := append(w.held, p...)
	n := len(text) - w.masker.Mask(text)
	w.flush(text[:n])
	w.held = append(w.held[:0], text[n:]...)
	if w.err != nil {
		return 0, w.err
	}
	return len(p), nil
}

func (w *maskingWriter) Close() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.flush(w.held)
	w.held = nil
	return w.err
}

func (w *maskingWriter) flush(p []byte) {
	if w.err == nil && len(p) > 0 {
		_, w.err = w.next.Write(p)
	}
}
