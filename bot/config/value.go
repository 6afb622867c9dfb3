package config

import (
	"errors"
	"fmt"
	"log/slog"
	"math"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"go.yaml.in/yaml/v4"

	"chapi/bot"
)

// Size is a number of bytes, written as in 64MiB.
type Size int64

// TelegramID is the permanent number of an account (positive) or of a group
// (negative) on Telegram.
type TelegramID int64

// Snowflake is the permanent number of an account or channel on Discord, in
// decimal. It may be written with or without quotes.
type Snowflake string

// read sets v, a leaf of Config, from a scalar of the file. The error's text
// says what was wanted; it does not name the key.
func read(n *yaml.Node, v reflect.Value) error {
	switch n.ShortTag() {
	case "!!null":
		return errors.New("has no value; give one or remove the line")
	case "!!str", "!!int", "!!float", "!!bool", "!!timestamp":
	default:
		return fmt.Errorf("the tag %s is not supported", show(n.Tag))
	}
	switch p := v.Addr().Interface().(type) {
	case *string:
		// As it is written: 0123 in a name stays 0123.
		*p = n.Value
		return nil
	case *Secret:
		*p = NewSecret(strings.TrimSpace(n.Value))
		return nil
	case *bool:
		return set(p, n, parseBool)
	case *int:
		return set(p, n, parseInt)
	case *time.Duration:
		return set(p, n, ParseDuration)
	case *Size:
		return set(p, n, ParseSize)
	case *TelegramID:
		return set(p, n, parseTelegramID)
	case *Snowflake:
		return set(p, n, parseSnowflake)
	case *bot.Role:
		return set(p, n, bot.ParseRole)
	case *slog.Level:
		return set(p, n, parseLevel)
	default:
		panic(fmt.Sprintf("config: no reader for a field of type %T", p))
	}
}

// set stores what parse makes of the node.
func set[T any](p *T, n *yaml.Node, parse func(string) (T, error)) error {
	value, err := parse(n.Value)
	if err != nil {
		return err
	}
	*p = value
	return nil
}

func parseBool(s string) (bool, error) {
	switch strings.ToLower(s) {
	case "true":
		return true, nil
	case "false":
		return false, nil
	}
	return false, fmt.Errorf("want true or false, got %s", show(s))
}

func parseInt(s string) (int, error) {
	n, err := strconv.ParseInt(s, 10, 32)
	if err != nil {
		return 0, fmt.Errorf("want a whole number, got %s", show(s))
	}
	return int(n), nil
}

func parseTelegramID(s string) (TelegramID, error) {
	id, err := strconv.ParseInt(s, 10, 64)
	if err != nil || id == 0 {
		return 0, fmt.Errorf("want the number of an account or group, got %s; a name can change hands, so it is not accepted (chapi pair needs neither)", show(s))
	}
	return TelegramID(id), nil
}

func parseSnowflake(s string) (Snowflake, error) {
	id, err := strconv.ParseUint(s, 10, 64)
	if err != nil || id == 0 {
		return "", fmt.Errorf("want the number of an account or channel, got %s", show(s))
	}
	return Snowflake(strconv.FormatUint(id, 10)), nil
}

func parseLevel(s string) (slog.Level, error) {
	switch s {
	case "debug":
		return slog.LevelDebug, nil
	case "info":
		return slog.LevelInfo, nil
	case "warn":
		return slog.LevelWarn, nil
	case "error":
		return slog.LevelError, nil
	}
	return 0, fmt.Errorf("want debug, info, warn or error, got %s", show(s))
}

const day = 24 * time.Hour

// leadingDays are the weeks and days that time.ParseDuration does not know.
var leadingDays = regexp.MustCompile(`^(?:(\d{1,5})w)?(?:(\d{1,5})d)?`)

// ParseDuration reads a duration such as 90s, 2m, 1h30m, 7d or 1w2d12h. It is
// never negative. A number without a unit is refused, but for 0.
func ParseDuration(s string) (time.Duration, error) {
	wrong := fmt.Errorf("want a duration such as 90s, 2m, 12h or 7d, got %s", show(s))
	parts := leadingDays.FindStringSubmatch(s)
	weeks, _ := strconv.Atoi(parts[1])
	days, _ := strconv.Atoi(parts[2])
	total := time.Duration(7*weeks+days) * day
	if 7*weeks+days > int(math.MaxInt64/day) {
		return 0, wrong
	}
	if rest := s[len(parts[0]):]; rest != "" {
		clock, err := time.ParseDuration(rest)
		if err != nil || strings.ContainsAny(rest, "+-") || total+clock < total {
			return 0, wrong
		}
		total += clock
	} else if s == "" {
		return 0, wrong
	}
	return total, nil
}

var sizeForm = regexp.MustCompile(`^(\d{1,19}(?:\.\d{1,9})?) ?([kKMGT]i?B|B|)$`)

var sizeUnits = map[string]float64{
	"": 1, "B": 1,
	"kB": 1e3, "KB": 1e3, "MB": 1e6, "GB": 1e9, "TB": 1e12,
	"kiB": 1 << 10, "KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30, "TiB": 1 << 40,
}

// ParseSize reads a size such as 64MiB, 500kB, 1.5GiB, or a number of bytes.
func ParseSize(s string) (Size, error) {
	parts := sizeForm.FindStringSubmatch(s)
	if parts == nil {
		return 0, fmt.Errorf("want a size such as 64MiB or 1GiB, got %s", show(s))
	}
	number, _ := strconv.ParseFloat(parts[1], 64)
	bytes := number * sizeUnits[parts[2]]
	if bytes >= math.MaxInt64 {
		return 0, fmt.Errorf("%s is more than can be counted", show(s))
	}
	return Size(bytes), nil
}

// String is the size as ParseSize reads it, in the largest unit that is exact.
func (s Size) String() string {
	for _, u := range []struct {
		bytes Size
		name  string
	}{{1 << 40, "TiB"}, {1 << 30, "GiB"}, {1 << 20, "MiB"}, {1 << 10, "KiB"}} {
		if s >= u.bytes && s%u.bytes == 0 {
			return strconv.FormatInt(int64(s/u.bytes), 10) + u.name
		}
	}
	return strconv.FormatInt(int64(s), 10)
}

// within checks a value against the bounds that its field declares.
func within(v reflect.Value, tag reflect.StructTag, written string) error {
	if words := tag.Get("one"); words != "" {
		all := strings.Fields(words)
		for _, w := range all {
			if v.String() == w {
				return nil
			}
		}
		last := len(all) - 1
		return fmt.Errorf("want %s or %s, got %s", strings.Join(all[:last], ", "), all[last], show(written))
	}
	if tag.Get("min") == "" {
		return nil
	}
	least, most := bound(v.Type(), tag.Get("min")), bound(v.Type(), tag.Get("max"))
	zero := tag.Get("zero")
	if n := v.Int(); least <= n && n <= most || n == 0 && zero != "" {
		return nil
	}
	if zero != "" {
		zero = fmt.Sprintf(" (or 0: %s)", zero)
	}
	return fmt.Errorf("%s is out of bounds; want %s to %s%s", show(written), tag.Get("min"), tag.Get("max"), zero)
}

// bound reads a bound as the value itself is read. A wrong one is a mistake of
// the program.
func bound(t reflect.Type, s string) int64 {
	v := reflect.New(t).Elem()
	if err := read(&yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: s}, v); err != nil {
		panic(fmt.Sprintf("config: bound %q: %v", s, err))
	}
	return v.Int()
}

// tokenLike finds what may be a token that was put in the wrong place.
var tokenLike = regexp.MustCompile(`\d{5,}:[\w-]{20,}|[\w.-]{40,}`)

// show quotes a value of the file for a message: in short, and never a token.
func show(s string) string {
	const most = 40
	if tokenLike.MatchString(s) {
		return hidden
	}
	if utf8.RuneCountInString(s) > most {
		s = string([]rune(s)[:most]) + "…"
	}
	return strconv.Quote(s)
}
