package chart

import (
	"bytes"
	"math"
	"os"
	"testing"
	"time"

	"chapi/bot"
)

func wave(from time.Time, n int, step time.Duration, base, swing, band float64) (all []bot.Point) {
	for i := range n {
		v := base + swing*math.Sin(float64(i)/float64(n)*4*math.Pi) + swing/6*math.Sin(float64(i)*1.7)
		all = append(all, bot.Point{At: from.Add(time.Duration(i) * step), Min: v - band, Mean: v, Max: v + band})
	}
	return all
}

func TestLook(t *testing.T) {
	dir := os.Getenv("LOOK")
	if dir == "" {
		t.Skip()
	}
	to := time.Date(2026, 11, 28, 14, 3, 0, 0, time.FixedZone("x", 3600))
	nan := math.NaN()
	for name, c := range map[string]Chart{
		"temp": {Device: "pi", From: to.Add(-24 * time.Hour), To: to, Panels: []Panel{
			{Title: "Temperature", Unit: "°C", Low: nan, High: nan, Span: 10,
				Points: append(wave(to.Add(-24*time.Hour), 400, 2*time.Minute, 52, 6, 0.4), wave(to.Add(-8*time.Hour), 240, 2*time.Minute, 50, 3, 0.4)...)}}},
		"two": {Device: "pi", Dark: true, From: to.Add(-7 * 24 * time.Hour), To: to, Panels: []Panel{
			{Title: "Temperature", Unit: "°C", Low: nan, High: nan, Span: 10, Points: wave(to.Add(-7*24*time.Hour), 670, 15*time.Minute, 52, 6, 1.5)},
			{Title: "Load", Low: 0, High: nan, Span: 1, Points: wave(to.Add(-7*24*time.Hour), 670, 15*time.Minute, .6, .4, .1)},
		}},
		"four": {Device: "workshop-pi", From: to.Add(-time.Hour), To: to, Panels: []Panel{
			{Title: "Battery", Unit: "%", Low: 0, High: 100, Points: wave(to.Add(-time.Hour), 60, time.Minute, 80, 10, 0)},
			{Title: "greenhouse", Low: nan, High: nan, Points: wave(to.Add(-time.Hour), 5, 10*time.Minute, 21500, 300, 0)},
			{Title: "Memory", Unit: "%", Low: nan, High: nan, Span: 10, Points: wave(to.Add(-time.Hour), 60, time.Minute, 61, 0, 0)},
			{Title: "empty", Low: nan, High: nan},
		}},
	} {
		var b bytes.Buffer
		begun := time.Now()
		if err := Draw(&b, c); err != nil {
			t.Fatal(err)
		}
		t.Log(name, time.Since(begun), b.Len())
		os.WriteFile(dir+"/"+name+".png", b.Bytes(), 0o644)
	}
}
