package chart

import (
	"bytes"
	"image"
	"image/color"
	"image/png"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"chapi/bot"
)

var (
	nan    = math.NaN()
	berlin = time.FixedZone("CET", 3600)
	to     = time.Date(2026, 11, 28, 14, 3, 0, 0, berlin)
)

// points are samples of the minutes before to, a value each step.
func points(length, step time.Duration, value func(part float64) (least, mean, most float64)) (all []bot.Point) {
	for at := to.Add(-length); at.Before(to); at = at.Add(step) {
		p := bot.Point{At: at}
		p.Min, p.Mean, p.Max = value(1 - float64(to.Sub(at))/float64(length))
		all = append(all, p)
	}
	return all
}

func flat(v float64) func(float64) (float64, float64, float64) {
	return func(float64) (float64, float64, float64) { return v, v, v }
}

func wave(base, swing, band float64) func(float64) (float64, float64, float64) {
	return func(part float64) (float64, float64, float64) {
		v := base + swing*math.Sin(part*4*math.Pi)
		return v - band, v, v + band
	}
}

// drawn is the picture of a chart. With CHAPI_LOOK it is left in that folder
// too, for somebody to look at.
func drawn(t *testing.T, c Chart) *image.RGBA {
	t.Helper()
	var b bytes.Buffer
	if err := Draw(&b, c); err != nil {
		t.Fatal(err)
	}
	if dir := os.Getenv("CHAPI_LOOK"); dir != "" {
		name := strings.NewReplacer("/", "-", " ", "-").Replace(t.Name()) + ".png"
		if err := os.WriteFile(filepath.Join(dir, name), b.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if b.Len() > 300<<10 {
		t.Errorf("the picture has %d kB", b.Len()>>10)
	}
	img, err := png.Decode(&b)
	if err != nil {
		t.Fatal(err)
	}
	opaque, ok := img.(*image.RGBA)
	if !ok {
		t.Fatalf("the picture is a %T, want one without transparency", img)
	}
	return opaque
}

// inks counts the pixels of a rectangle that are nearly of the colour.
func inks(img *image.RGBA, r image.Rectangle, c color.RGBA) (n int) {
	near := func(a, b uint8) bool { return max(a, b)-min(a, b) < 12 }
	for y := r.Min.Y; y < r.Max.Y; y++ {
		for x := r.Min.X; x < r.Max.X; x++ {
			p := img.RGBAAt(x, y)
			if near(p.R, c.R) && near(p.G, c.G) && near(p.B, c.B) {
				n++
			}
		}
	}
	return n
}

// column is the pixels around an x where a curve may be.
func column(x, top, bottom int) image.Rectangle { return image.Rect(x-1, top, x+2, bottom) }

const top, bottom = header + titleGap, header + alone - 14 // of the only plot

func TestALineIsWhereItsValuesAre(t *testing.T) {
	img := drawn(t, Chart{Device: "pi", From: to.Add(-24 * time.Hour), To: to, Panels: []Panel{
		{Title: "Battery", Unit: "%", Low: 0, High: 100, Span: 100, Points: points(24*time.Hour, 5*time.Minute, flat(50))},
	}})
	if got := img.Bounds(); got != image.Rect(0, 0, Width, Height(1)) || got.Dy() != 500 {
		t.Fatalf("the picture is %v", got)
	}
	middle := (top + bottom) / 2
	for _, x := range []int{left + 2, Width / 2, Width - right - 6} {
		if n := inks(img, column(x, middle-3, middle+4), light.lines[0]); n < 6 {
			t.Errorf("at x=%d there is no line in the middle (%d pixels)", x, n)
		}
		if n := inks(img, column(x, top, middle-6), light.lines[0]) + inks(img, column(x, middle+6, bottom), light.lines[0]); n > 0 {
			t.Errorf("at x=%d there is a line elsewhere (%d pixels)", x, n)
		}
	}
}

func TestATimeWithoutSamplesStaysEmpty(t *testing.T) {
	all := points(24*time.Hour, 5*time.Minute, flat(50))
	all = append(all[:96:96], all[192:]...) // 8 to 16 hours after the beginning
	img := drawn(t, Chart{Device: "pi", From: to.Add(-24 * time.Hour), To: to, Panels: []Panel{{Title: "Battery", Low: 0, High: 100, Points: all}}})
	plot := Width - right - left
	gap := image.Rect(left+plot/3+6, top, left+plot*2/3-6, bottom)
	if n := inks(img, gap, light.lines[0]); n > 0 {
		t.Errorf("%d pixels of the curve are where nothing was measured", n)
	}
	if tint := inks(img, gap, color.RGBA{0xe6, 0xf0, 0xfa, 0xff}); tint > 0 {
		t.Errorf("%d pixels below it are tinted", tint)
	}
	for _, x := range []int{left + plot/6, left + plot*5/6} {
		if inks(img, column(x, top, bottom), light.lines[0]) == 0 {
			t.Errorf("there is no curve at x=%d", x)
		}
	}
}

func TestSeldomSamplesAreALineAndASingleOneADot(t *testing.T) {
	seldom := points(24*time.Hour, time.Hour, wave(20, 5, 0))
	if pieces := split(seldom, gap(seldom)); len(pieces) != 1 {
		t.Errorf("a sample each hour is %d pieces", len(pieces))
	}
	img := drawn(t, Chart{Device: "pi", From: to.Add(-24 * time.Hour), To: to, Panels: []Panel{
		{Title: "x", Low: nan, High: nan, Points: []bot.Point{{At: to.Add(-12 * time.Hour), Min: 5, Mean: 5, Max: 5}}},
	}})
	x := (left + Width - right) / 2
	if n := inks(img, image.Rect(x-6, top, x+7, bottom), light.lines[0]); n < 12 {
		t.Errorf("the dot has %d pixels", n)
	}
}

func TestTheBandShowsWhatWasTakenTogether(t *testing.T) {
	wide := drawn(t, Chart{Device: "pi", From: to.Add(-7 * 24 * time.Hour), To: to, Panels: []Panel{
		{Title: "Temperature", Unit: "°C", Low: nan, High: nan, Span: 10, Points: points(7*24*time.Hour, 30*time.Minute, wave(50, 8, 4))},
	}})
	white := 0
	for y := top; y < bottom; y++ {
		r, g, b, _ := wide.At(Width/2+31, y).RGBA()
		if r > b && g > b || r>>8 == 0xff {
			white++
		}
	}
	if white == bottom-top {
		t.Error("there is no band")
	}
}

// No letter may be cut off by the picture's edge: the outermost pixels are paper.
func TestNothingIsClipped(t *testing.T) {
	charts := map[string]Chart{
		"four, long names": {Device: strings.Repeat("workshop-", 12), From: to.Add(-time.Hour), To: to, Panels: []Panel{
			{Title: "Battery", Unit: "%", Low: 0, High: 100, Span: 100, Points: points(time.Hour, time.Minute, wave(80, 20, 0))},
			{Title: strings.Repeat("greenhouse", 9), Unit: "unit", Low: nan, High: nan, Points: points(time.Hour, 10*time.Minute, wave(-123456.789, 300, 0))},
			{Title: "Wi-Fi", Unit: "dBm", Low: nan, High: nan, Span: 10, Points: points(time.Hour, time.Minute, wave(-61, 8, 2))},
			{Title: "Nothing", Low: nan, High: nan},
		}},
		"dark, two": {Device: "pi", Dark: true, From: to.Add(-7 * 24 * time.Hour), To: to, Panels: []Panel{
			{Title: "Temperature", Unit: "°C", Low: nan, High: nan, Span: 10, Points: points(7*24*time.Hour, 30*time.Minute, wave(52, 6, 1.5))},
			{Title: "Load", Low: 0, High: nan, Span: 1, Points: points(7*24*time.Hour, 30*time.Minute, wave(.6, .6, .1))},
		}},
		"two years": {Device: "pi", From: to.Add(-730 * 24 * time.Hour), To: to, Panels: []Panel{
			{Title: "Disk", Unit: "%", Low: nan, High: 100, Span: 5, Points: points(730*24*time.Hour, 48*time.Hour, wave(60, 20, .2))},
		}},
		"huge and tiny": {Device: "pi", From: to.Add(-24 * time.Hour), To: to, Panels: []Panel{
			{Title: "huge", Low: nan, High: nan, Points: points(24*time.Hour, time.Hour, wave(5e12, 4e12, 0))},
			{Title: "tiny", Low: nan, High: nan, Points: points(24*time.Hour, time.Hour, wave(0.0005, 0.0002, 0))},
		}},
	}
	for name, c := range charts {
		t.Run(name, func(t *testing.T) {
			img := drawn(t, c)
			paper := light.paper
			if c.Dark {
				paper = dark.paper
			}
			b := img.Bounds()
			if want := Height(len(c.Panels)); b.Dy() != want || b.Dx() != Width {
				t.Errorf("the picture is %v", b)
			}
			for _, edge := range []image.Rectangle{
				{b.Min, image.Pt(b.Max.X, 6)}, {b.Min, image.Pt(6, b.Max.Y)},
				{image.Pt(b.Max.X-6, 0), b.Max}, {image.Pt(0, b.Max.Y-6), b.Max},
			} {
				if n := inks(img, edge, paper); n != edge.Dx()*edge.Dy() {
					t.Errorf("%d pixels are drawn at the edge %v", edge.Dx()*edge.Dy()-n, edge)
				}
			}
		})
	}
}

// Letters and lines stand out from the paper, in both themes: WCAG 2.2.
func TestColoursStandOut(t *testing.T) {
	for name, th := range map[string]theme{"light": light, "dark": dark} {
		for what, c := range map[string]color.RGBA{"ink": th.ink, "faint ink": th.faint, "line 1": th.lines[0], "line 2": th.lines[1], "line 3": th.lines[2], "line 4": th.lines[3]} {
			if ratio := contrast(c, th.paper); ratio < 4.5 {
				t.Errorf("%s: %s has a contrast of %.1f", name, what, ratio)
			}
		}
	}
}

func contrast(a, b color.RGBA) float64 {
	luminance := func(c color.RGBA) float64 {
		part := func(v uint8) float64 {
			s := float64(v) / 255
			if s <= 0.04045 {
				return s / 12.92
			}
			return math.Pow((s+0.055)/1.055, 2.4)
		}
		return 0.2126*part(c.R) + 0.7152*part(c.G) + 0.0722*part(c.B)
	}
	la, lb := luminance(a), luminance(b)
	return (max(la, lb) + 0.05) / (min(la, lb) + 0.05)
}

func TestTimesAreRoundByTheLocalClock(t *testing.T) {
	zone, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatalf("no time zones here: %v", err)
	}
	for _, c := range []struct {
		rule   string
		to     time.Time
		length time.Duration
		want   string
	}{
		{"a day", to, 24 * time.Hour, "16:00 20:00 Sat 28 04:00 08:00 12:00"},
		{"an hour", to, time.Hour, "13:10 13:20 13:30 13:40 13:50 14:00"},
		{"a week", to, 7 * 24 * time.Hour, "22 Nov 23 Nov 24 Nov 25 Nov 26 Nov 27 Nov 28 Nov"},
		{"two years", to, 730 * 24 * time.Hour, "May 2025 Nov 2025 May 2026 Nov 2026"},
		{"the night when the clock is set back", time.Date(2026, 10, 25, 9, 0, 0, 0, zone), 12 * time.Hour, "22:00 Sun 25 02:00 04:00 06:00 08:00"},
		{"the night when it is set forward", time.Date(2026, 3, 29, 6, 0, 0, 0, zone), 6 * time.Hour, "23:00 Sun 29 01:00 03:00 04:00 05:00 06:00"},
	} {
		t.Run(c.rule, func(t *testing.T) {
			var labels []string
			var last time.Time
			for _, tick := range timeTicks(c.to.Add(-c.length), c.to) {
				labels = append(labels, tick.label)
				if !tick.at.After(last) || tick.at.After(c.to) || tick.at.Before(c.to.Add(-c.length)) {
					t.Errorf("tick at %s", tick.at)
				}
				last = tick.at
			}
			if got := strings.Join(labels, " "); got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
		})
	}
}

func TestScalesAreRoundAndHoldTheirValues(t *testing.T) {
	for _, c := range []struct {
		rule              string
		panel             Panel
		low, high         float64 // values
		least, most, step float64
	}{
		{"per cent are shown whole", Panel{Low: 0, High: 100, Span: 100}, 40, 60, 0, 100, 20},
		{"a value that stands still is in the middle", Panel{Low: nan, High: nan, Span: 10}, 50, 50, 44, 56, 2},
		{"a load begins at nothing", Panel{Low: 0, High: nan, Span: 1}, 0.1, 0.3, 0, 1, 0.2},
		{"below nothing there is room too", Panel{Low: nan, High: nan}, -20, 20, -30, 30, 10},
		{"what is never negative has no scale below nothing", Panel{Low: nan, High: nan, Span: 10}, 1, 2, 0, 8, 2},
		{"nothing is fuller than full", Panel{Unit: "%", Low: nan, High: nan, Span: 10}, 97, 100, 92, 100, 2},
		{"no samples", Panel{Low: nan, High: nan}, nan, nan, 0, 1, 1},
	} {
		t.Run(c.rule, func(t *testing.T) {
			if c.low == c.low {
				c.panel.Points = []bot.Point{{Min: c.low, Mean: c.low, Max: c.high}}
			}
			least, most, step := scale(c.panel, 334)
			near := func(a, b float64) bool { return math.Abs(a-b) < 1e-9 }
			if !near(least, c.least) || !near(most, c.most) || !near(step, c.step) {
				t.Errorf("got %g to %g by %g, want %g to %g by %g", least, most, step, c.least, c.most, c.step)
			}
		})
	}
}

func TestNumbersAreShort(t *testing.T) {
	for want, v := range map[string]float64{"21.5": 21.5, "-3.0": -3, "0.0": -0.04, "12.3k": 12345, "9999.0": 9999, "-4.6M": -4567890, "5.0T": 5e12} {
		if got := number(v, 1); got != want {
			t.Errorf("%g: got %s, want %s", v, got, want)
		}
	}
}

func BenchmarkDraw(b *testing.B) {
	c := Chart{Device: "pi", From: to.Add(-24 * time.Hour), To: to, Panels: []Panel{
		{Title: "Temperature", Unit: "°C", Low: nan, High: nan, Span: 10, Points: points(24*time.Hour, 5*time.Minute, wave(50, 8, 1))},
	}}
	for b.Loop() {
		var out bytes.Buffer
		if err := Draw(&out, c); err != nil {
			b.Fatal(err)
		}
	}
}
