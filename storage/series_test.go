package storage

import (
	"testing"
	"time"

	"chapi/bot"
)

// Every sample is in one of the two tables only, and what is kept of years is
// bounded.
func TestYearsOfMeasurementsStayFew(t *testing.T) {
	db, err := Open(t.Context(), t.TempDir(), Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	const keep = 42 * 24 * time.Hour
	begun := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	now := begun
	for range 45 * 24 { // days of hours
		now = now.Add(time.Hour)
		if now.Sub(begun) < 5*24*time.Hour || now.Sub(begun) > 43*24*time.Hour {
			var samples []bot.Sample
			for m := range 60 {
				samples = append(samples, bot.Sample{Series: "temp", At: now.Add(time.Duration(m) * time.Minute), Value: float64(m)})
			}
			if err := db.Record(t.Context(), samples); err != nil {
				t.Fatal(err)
			}
		}
		if now.Hour() == 6 {
			if err := db.Thin(t.Context(), now, keep); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := db.Thin(t.Context(), now, keep); err != nil {
		t.Fatal(err)
	}
	var minutes, tens, hours int
	err = db.view(t.Context()).row(`SELECT (SELECT count(*) FROM samples),
		(SELECT count(*) FROM stretches WHERE length = 10), (SELECT count(*) FROM stretches WHERE length = 60)`).Scan(&minutes, &tens, &hours)
	if err != nil {
		t.Fatal(err)
	}
	// Of the first five days two are left, as hours, the last two
	// minutes; days without samples leave nothing.
	if minutes > 49*60 || minutes < 47*60 || tens > 6 || hours > 2*24 || hours < 2*24-1 {
		t.Errorf("got %d minutes, %d stretches of ten minutes, %d hours", minutes, tens, hours)
	}
}
