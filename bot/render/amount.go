package render

import "strconv"

// amount is a number of bytes as a person reads it on a phone: "734 bytes",
// "1.2 kB", "12.3 MB", "640 GB". A kilobyte is 1000 bytes.
func amount(n int64) string {
	switch {
	case n == 1:
		return "1 byte"
	case n < 1000:
		return strconv.FormatInt(n, 10) + " bytes"
	}
	value, unit := float64(n)/1000, 0
	// 999.5 would be shown as 1000 of the unit.
	for value >= 999.5 {
		value, unit = value/1000, unit+1
	}
	decimals := 1
	if value >= 99.95 {
		decimals = 0
	}
	units := [...]string{"kB", "MB", "GB", "TB", "PB", "EB"}
	return strconv.FormatFloat(value, 'f', decimals, 64) + " " + units[unit]
}
