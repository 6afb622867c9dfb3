package bot

import "context"

// ColoursSetting is "on", in the scope of an account, for a person who wants
// the colours of output where the network has them.
const ColoursSetting = "colours"

// AccountScope is the scope of an account's own settings.
func AccountScope(a Account) string { return "account/" + a.String() }

// colouredMost is how much output a page with colours is drawn from: what has
// painted over itself for longer is shown without.
const colouredMost = 64 << 10

// colours reports whether the session's starter wants colours, and the thread
// has them.
func (w *watcher) colours(ctx context.Context) bool {
	if !w.lim.Colours {
		return false
	}
	on, err := w.s.Store.Setting(ctx, AccountScope(w.session.Claim.Account), ColoursSetting)
	return err == nil && on == "on"
}

// coloured is the open page's text with the colours of its output; empty when
// it is to have none.
func (w *watcher) coloured(body string) string {
	from, to := w.session.Progress.From, w.paper.Covers()
	if !w.tinted || w.tail || w.picture != "" || to-from > colouredMost {
		return ""
	}
	var output []byte
	for at := from; at < to; {
		chunk, err := w.journal.Next(at, int(to-at))
		if err != nil || len(chunk.Data) == 0 || chunk.From != at {
			return ""
		}
		at += int64(len(chunk.Data))
		output = append(output, chunk.Data...)
	}
	w.s.Masker.Mask(output)
	return w.s.Renderer.Coloured(body, output)
}
