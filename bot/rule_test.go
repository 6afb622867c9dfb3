package bot

import (
	"strings"
	"testing"
	"time"
)

func TestRulesAreReadAndWritten(t *testing.T) {
	for in, want := range map[string]string{
		"battery < 20% for 2m":                      "battery < 20% for 2m",
		"Battery<20%":                               "battery < 20%",
		"battery below 20 % for 120s":               "battery < 20% for 2m",
		"temp > 75C for 5m clear 70 critical":       "temp > 75C for 5m clear 70 critical",
		"temp over 75.5 °C repeat 15m":              "temp > 75.5°C repeat 15m",
		"disk > 90% repeat never info":              "disk > 90% repeat never info",
		"unit nginx failed":                         "unit nginx failed",
		"unit ssh@0.service failed for 1m critical": "unit ssh@0.service failed for 1m critical",
		"units failed":                              "units failed",
		"undervoltage on":                           "undervoltage on",
		"door missing for 10m":                      "door missing for 10m",
		"free < 1.5GB":                              "free < 1.5GB",
		"outside < -5C":                             "outside < -5C",
		"disk > 0.0001%":                            "disk > 0.0001%",
	} {
		r, err := ParseRule(in)
		if err != nil || r.String() != want {
			t.Errorf("%q: got %q, %v, want %q", in, r, err, want)
			continue
		}
		again, err := ParseRule(r.String())
		if err != nil || again != r {
			t.Errorf("%q is read back as %+v, %v, want %+v", r, again, err, r)
		}
	}
	for in, want := range map[string]string{
		"":                              "What is to be watched",
		"battery":                       "After battery one of <, >, failed and missing is needed",
		"battery = 20":                  "one of <, >, failed and missing",
		"battery < low":                 "A number such as 20%",
		"battery < 20% for":             "A time such as",
		"battery < 20% for ever":        "A time such as",
		"battery < 20% until 9":         "for, clear, repeat",
		"battery < 20% clear 10%":       "cannot be over at 10",
		"temp > 75 clear 80":            "cannot be over at 80",
		"unit nginx failed clear 3":     "has none",
		"unit":                          "What is to be watched",
		"door missing":                  "for how long nothing may come",
		"battery < 20% repeat 5s":       "every minute at most",
		"../x < 20":                     "What is to be watched",
		"battery < 99999999999999999x9": "A number",
	} {
		_, err := ParseRule(in)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: got %v, want %q", in, err, want)
		}
	}
}

func FuzzParseRule(f *testing.F) {
	for _, s := range []string{"battery < 20% for 2m", "temp > 75C clear 70 critical repeat 15m", "unit nginx failed", "door missing for 10m"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		r, err := ParseRule(text)
		if err != nil {
			return
		}
		again, err := ParseRule(r.String())
		if err != nil || again.String() != r.String() {
			t.Errorf("%q is written %q, which is read as %q, %v", text, r, again, err)
		}
	})
}

func TestAReadingIsComparedInTheRulesUnit(t *testing.T) {
	for _, c := range []struct {
		value      float64
		have, want string
		in         float64
		ok         bool
	}{
		{20, "%", "%", 20, true}, {20, "%", "", 20, true}, {55, "°C", "C", 55, true}, {3e9, "B", "GB", 3, true},
		{1 << 30, "B", "GiB", 1, true}, {20, "%", "GB", 0, false}, {3, "V", "%", 0, false}, {7, "", "%", 7, true},
	} {
		got, ok := Reading{Value: c.value, Unit: c.have}.in(c.want)
		if ok != c.ok || ok && got != c.in {
			t.Errorf("%v %q in %q: got %v, %v", c.value, c.have, c.want, got, ok)
		}
	}
}

func TestAnOldReadingSaysNothingButThatItIsMissing(t *testing.T) {
	now := time.Now()
	for rule, want := range map[string][3]verdict{ // now, 6 minutes ago, never
		"x < 20":            {holds, unknown, unknown},
		"x > 20":            {restored, unknown, unknown},
		"x missing for 10m": {restored, restored, holds},
		"x missing for 5m":  {restored, holds, holds},
	} {
		r, err := ParseRule(rule)
		if err != nil {
			t.Fatal(err)
		}
		x := Reading{Value: 10, At: now}
		old := Reading{Value: 10, At: now.Add(-6 * time.Minute)}
		got := [3]verdict{r.judge(x, true, now), r.judge(old, true, now), r.judge(Reading{}, false, now)}
		if got != want {
			t.Errorf("%s: got %v, want %v", rule, got, want)
		}
	}
}
