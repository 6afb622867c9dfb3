package render

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
)

// MaskingHandler is a log handler that hides the secrets in messages and
// attribute values, in groups too, before h gets them. A value of any other
// type that contains a secret becomes its text. Keys are taken to be harmless:
// they are written in the program.
func (m *Masker) MaskingHandler(h slog.Handler) slog.Handler {
	return &maskingHandler{m, h}
}

type maskingHandler struct {
	masker *Masker
	next   slog.Handler
}

func (h *maskingHandler) Enabled(ctx context.Context, level slog.Level) bool {
	return h.next.Enabled(ctx, level)
}

func (h *maskingHandler) Handle(ctx context.Context, r slog.Record) error {
	masked := slog.NewRecord(r.Time, r.Level, h.masker.Text(r.Message), r.PC)
	r.Attrs(func(a slog.Attr) bool {
		masked.AddAttrs(h.attr(a))
		return true
	})
	return h.next.Handle(ctx, masked)
}

func (h *maskingHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return &maskingHandler{h.masker, h.next.WithAttrs(h.attrs(attrs))}
}

func (h *maskingHandler) WithGroup(name string) slog.Handler {
	return &maskingHandler{h.masker, h.next.WithGroup(name)}
}

func (h *maskingHandler) attrs(attrs []slog.Attr) []slog.Attr {
	masked := make([]slog.Attr, len(attrs))
	for i, a := range attrs {
		masked[i] = h.attr(a)
	}
	return masked
}

func (h *maskingHandler) attr(a slog.Attr) slog.Attr {
	v := a.Value.Resolve()
	switch v.Kind() {
	case slog.KindString:
		v = slog.StringValue(h.masker.Text(v.String()))
	case slog.KindGroup:
		v = slog.GroupValue(h.attrs(v.Group())...)
	case slog.KindAny:
		v = h.any(v)
	}
	return slog.Attr{Key: a.Key, Value: v}
}

// any looks at each text that a handler may make of a value. The value stays
// as it is if none has a secret.
func (h *maskingHandler) any(v slog.Value) slog.Value {
	texts := []string{fmt.Sprintf("%+v", v.Any())}
	if b, ok := v.Any().([]byte); ok {
		texts = append(texts, string(b))
	}
	if b, err := json.Marshal(v.Any()); err == nil {
		texts = append(texts, string(b))
	}
	for _, text := range texts {
		if masked := h.masker.Text(text); masked != text {
			return slog.StringValue(masked)
		}
	}
	return v
}
