package device

import (
	"fmt"
	"math"
	"strings"
	"time"
	"unicode/utf8"
)

// A card's lines are made for a phone held upright: 32 characters of even
// width, a trend of 12 at their end.
const (
	valueWidth = 14
	// Trend is how many characters a trend has.
	Trend = 12
)

// Card is the machine in a few even lines. trends has a small picture, as Spark
// draws it, for "load", "temp", "memory" and "battery"; any may be missing.
func Card(r Reading, b *Battery, trends map[string]string) string {
	var rows []string
	row := func(label, value, trend string) {
		line := fmt.Sprintf("%-4s %s", label, value)
		if trend = strings.TrimRight(trend, " "); trend != "" {
			pad := max(valueWidth-utf8.RuneCountInString(value), 0)
			line += strings.Repeat(" ", pad) + " " + trend
		}
		rows = append(rows, line)
	}
	if l := r.Load; l != nil {
		row("load", fmt.Sprintf("%.2f of %d", l.One, max(r.Cores, 1)), trends["load"])
	}
	if m := r.Memory; m != nil {
		row("mem", fmt.Sprintf("%.0f %% of %s", m.Used(), Bytes(m.Total)), trends["memory"])
	}
	if len(r.Disks) > 0 {
		d := r.Disks[0]
		row("disk", fmt.Sprintf("%.0f %%, %s free", d.Used(), Bytes(d.Free)), "")
	}
	if len(r.Temps) > 0 {
		row("temp", fmt.Sprintf("%.1f °C", r.Temps[0].Celsius), trends["temp"])
	}
	if t := r.Throttle; t != nil {
		row("volt", t.String(), "")
	}
	if b != nil {
		charge, flow := b.short(), b.flow()
		if charge != "" {
			row("batt", charge, trends["battery"])
		}
		if flow != "" && charge != "" {
			row("", flow, "")
		} else if flow != "" {
			row("batt", flow, "")
		}
	}
	for i, n := range physical(r.Networks) {
		label := ""
		if i == 0 {
			label = "net"
		}
		row(label, n.String(), "")
	}
	return strings.Join(rows, "\n")
}

// Details is what a card has no room for.
func Details(r Reading, b *Battery) string {
	var rows []string
	row := func(label, format string, a ...any) {
		rows = append(rows, fmt.Sprintf("%-4s ", label)+fmt.Sprintf(format, a...))
	}
	for _, name := range []string{r.Model, r.System, r.Kernel} {
		if name != "" {
			rows = append(rows, name)
		}
	}
	if l := r.Load; l != nil {
		row("load", "%.2f %.2f %.2f", l.One, l.Five, l.Fifteen)
	}
	if m := r.Memory; m != nil && m.SwapTotal > 0 {
		row("swap", "%.0f %% of %s", percent(m.SwapTotal-m.SwapFree, m.SwapTotal), Bytes(m.SwapTotal))
	}
	for _, d := range r.Disks {
		row("disk", "%s", d)
	}
	for _, t := range r.Temps {
		row("temp", "%s", t)
	}
	for _, n := range r.Networks {
		row("net", "%s", n)
		for _, address := range n.Addresses[min(1, len(n.Addresses)):] {
			row("", "%s", address)
		}
	}
	if b != nil {
		rows = append(rows, strings.Split(b.String(), "\n")...)
	}
	rows = rows[:min(len(rows), maxDetails)]
	for i, line := range rows {
		if runes := []rune(line); len(runes) > maxDetail {
			rows[i] = string(runes[:maxDetail-1]) + "…"
		}
	}
	return strings.Join(rows, "\n")
}

// What fits into a message beside the card.
const (
	maxDetails = 40 // lines
	maxDetail  = 64 // characters of one
)

// String is the disk in a line.
func (d Disk) String() string {
	return fmt.Sprintf("%s %.0f %% of %s, %s free", d.Mount, d.Used(), Bytes(d.Total), Bytes(d.Free))
}

// String is the temperature in a line.
func (t Temperature) String() string { return fmt.Sprintf("%.1f °C %s", t.Celsius, t.Name) }

// String is the throttling in a few words.
func (t *Throttle) String() string {
	switch {
	case len(t.Now) > 0:
		return strings.ToUpper(t.Now[0][:1]) + strings.Join(t.Now, ", ")[1:] + "!"
	case len(t.Earlier) > 0:
		return "earlier: " + strings.Join(t.Earlier, ", ")
	}
	return "all right"
}

// short is the charge, and what is wrong.
func (b *Battery) short() string {
	var parts []string
	if b.Charge != nil {
		about := ""
		if b.Estimated {
			about = "about "
		}
		parts = append(parts, fmt.Sprintf("%s%.0f %%", about, *b.Charge))
	}
	if b.Warning != "" {
		parts = append(parts, b.Warning+"!")
	}
	return strings.Join(parts, " ")
}

// flow is what goes in or out, and for how long.
func (b *Battery) flow() string {
	var parts []string
	switch {
	case b.Power != nil && *b.Power >= 0.05 && b.State == Discharging:
		parts = append(parts, fmt.Sprintf("−%.1f W", *b.Power))
	case b.Power != nil && *b.Power >= 0.05 && b.State == Charging:
		parts = append(parts, fmt.Sprintf("+%.1f W", *b.Power))
	case b.State != "":
		parts = append(parts, string(b.State))
	}
	if b.Left != nil {
		left := Lasting(time.Duration(*b.Left * float64(time.Second)))
		if b.State == Charging {
			parts = append(parts, "full in "+left)
		} else {
			parts = append(parts, left+" left")
		}
	}
	return strings.Join(parts, ", ")
}

// String is everything that is known of the battery, a line each.
func (b *Battery) String() string {
	var rows []string
	row := func(label, format string, a ...any) {
		rows = append(rows, fmt.Sprintf("%-8s ", label)+fmt.Sprintf(format, a...))
	}
	if b.Charge != nil {
		note := ""
		if b.Estimated {
			note = " (a guess from the voltage)"
		}
		row("charge", "%.0f %%%s", *b.Charge, note)
	}
	if b.State != "" {
		row("state", "%s", b.State)
	}
	if b.Power != nil {
		row("power", "%.1f W", *b.Power)
	}
	if b.Left != nil {
		until := "until empty"
		if b.State == Charging {
			until = "until full"
		}
		row("time", "%s %s", Lasting(time.Duration(*b.Left*float64(time.Second))), until)
	}
	if b.Voltage != nil {
		row("voltage", "%.2f V", *b.Voltage)
	}
	if b.Health != nil {
		row("health", "%.0f %% of new", *b.Health)
	}
	if b.Cycles != nil {
		row("cycles", "%.0f", *b.Cycles)
	}
	if b.Warning != "" {
		row("warning", "%s", b.Warning)
	}
	return strings.Join(rows, "\n")
}

// String is the interface with its address, as one line.
func (n Network) String() string {
	line := n.Name
	if len(n.Addresses) > 0 {
		line += " " + n.Addresses[0]
	}
	if n.Signal != nil {
		line += fmt.Sprintf(" %.0f dBm", *n.Signal)
	}
	return line
}

// cardNetworks is how many interfaces a card has room for.
const cardNetworks = 3

// physical leaves out what containers and virtual machines make.
func physical(all []Network) (some []Network) {
	for _, n := range all {
		virtual := false
		for _, prefix := range []string{"docker", "br-", "veth", "virbr", "cni", "flannel", "lxc", "lxd"} {
			virtual = virtual || strings.HasPrefix(n.Name, prefix)
		}
		if !virtual && len(some) < cardNetworks {
			some = append(some, n)
		}
	}
	return some
}

// bars are the heights of a trend. The full block is left out: lines of them
// would touch.
var bars = []rune("▁▂▃▄▅▆▇")

// Spark draws values as small bars, NaN as a blank. The least bar is low, or
// less if there is less; the highest is at least span above it, so that a value
// that hardly changes looks so.
func Spark(values []float64, low, span float64) string {
	least, most := math.Inf(1), math.Inf(-1)
	for _, v := range values {
		if v == v {
			least, most = min(least, v), max(most, v)
		}
	}
	if least > most {
		return ""
	}
	if low == low { // a scale that begins there, such as 0 %
		least = min(low, least)
	} else {
		least = min(least, (least+most-span)/2)
	}
	most = max(most, least+span)
	var b strings.Builder
	for _, v := range values {
		if v != v {
			b.WriteByte(' ')
			continue
		}
		step := int((v - least) / (most - least) * float64(len(bars)))
		b.WriteRune(bars[min(max(step, 0), len(bars)-1)])
	}
	return b.String()
}

// Bytes is a size as one says it.
func Bytes(n int64) string {
	v, units := float64(n), []string{"B", "kB", "MB", "GB", "TB", "PB"}
	i := 0
	for ; v >= 999.5 && i < len(units)-1; i++ {
		v /= 1000
	}
	if i == 0 || v >= 99.5 {
		return fmt.Sprintf("%.0f %s", v, units[i])
	}
	return fmt.Sprintf("%.1f %s", v, units[i])
}

// Lasting is a length of time as one says it.
func Lasting(d time.Duration) string {
	switch {
	case d < time.Minute:
		return fmt.Sprintf("%d s", int(d.Seconds()))
	case d < time.Hour:
		return fmt.Sprintf("%d min", int(d.Minutes()))
	case d < 48*time.Hour:
		return fmt.Sprintf("%d h %d min", int(d.Hours()), int(d.Minutes())%60)
	}
	return fmt.Sprintf("%d days", int(d.Hours()/24))
}
