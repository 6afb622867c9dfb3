package device

import (
	"math"
	"slices"
	"time"

	"chapi/bot"
)

// Kind is what is known of a series by its name.
type Kind struct {
	Title, Unit string
	// Low and High are the ends of its scale, or NaN where it has none. Span is
	// the least difference that is worth seeing.
	Low, High, Span float64
}

// The series that the machine itself fills.
const (
	Loads    = "load"    // mean number of runnable processes, of a minute
	CPU      = "cpu"     // percent of all processors
	Memories = "memory"  // percent in use
	DiskUsed = "disk"    // percent in use, of the file system of /
	Temp     = "temp"    // °C, of the processor
	Charge   = "battery" // percent
	Power    = "power"   // W, out of the battery if above 0, else into it
	Wifi     = "wifi"    // dBm, of the first radio
)

var none = math.NaN()

var kinds = map[string]Kind{
	Loads:    {"Load", "", 0, none, 1},
	CPU:      {"CPU", "%", 0, 100, 100},
	Memories: {"Memory", "%", 0, 100, 100},
	DiskUsed: {"Disk", "%", none, none, 5},
	Temp:     {"Temperature", "°C", none, none, 10},
	Charge:   {"Battery", "%", 0, 100, 100},
	Power:    {"Battery power", "W", none, none, 2},
	Wifi:     {"Wi-Fi", "dBm", none, none, 10},
}

// KindOf is what is known of a series. Own is false for those that programs
// fill: they are shown by their name.
func KindOf(series string) (k Kind, own bool) {
	if k, own = kinds[series]; own {
		return k, true
	}
	return Kind{Title: series, Low: none, High: none}, false
}

// Samples is what a reading adds to the machine's series. busy is in percent,
// NaN when it is not known.
func Samples(r Reading, busy float64, b *Battery) []bot.Sample {
	var all []bot.Sample
	add := func(series string, v float64) {
		if v-v == 0 { // a finite number
			all = append(all, bot.Sample{Series: series, At: r.At, Value: v})
		}
	}
	add(CPU, busy)
	if r.Load != nil {
		add(Loads, r.Load.One)
	}
	if r.Memory != nil {
		add(Memories, r.Memory.Used())
	}
	if len(r.Disks) > 0 && r.Disks[0].Mount == "/" {
		add(DiskUsed, r.Disks[0].Used())
	}
	if len(r.Temps) > 0 {
		add(Temp, r.Temps[0].Celsius)
	}
	if i := slices.IndexFunc(r.Networks, func(n Network) bool { return n.Signal != nil }); i >= 0 {
		add(Wifi, *r.Networks[i].Signal)
	}
	if b != nil && b.Charge != nil {
		add(Charge, *b.Charge)
	}
	if b != nil && b.Power != nil {
		v := *b.Power
		if b.State == Charging {
			v = -v
		}
		add(Power, v)
	}
	return all
}

// Trends draws the last day of a machine's series, for Card. values are the
// means of its steps, NaN where there are none.
func Trends(values map[string][]float64) map[string]string {
	drawn := map[string]string{}
	for series, v := range values {
		k, _ := KindOf(series)
		drawn[series] = Spark(v, k.Low, k.Span)
	}
	return drawn
}

// TrendStep is how long a character of a trend stands for.
const TrendStep = 24 * time.Hour / Trend
