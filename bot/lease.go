package bot

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"
)

// Lease is that a person holds a named resource, such as a serial port or a
// robot. It is a promise among people, and among what they run with it declared:
// nothing stops a program that does not ask.
type Lease struct {
	Person string `json:"person"`
	// Claim is who took it, and where: that is where they are told.
	Claim   Claim     `json:"claim"`
	Message MessageID `json:"message,omitempty"`
	Since   time.Time `json:"since"`
	// Until is when it ends by itself; zero = with the sessions that hold it.
	Until time.Time `json:"until,omitzero"`
}

// Waiter is somebody in line for a resource.
type Waiter struct {
	Person  string    `json:"person"`
	Claim   Claim     `json:"claim"`
	Message MessageID `json:"message,omitempty"`
	// For is how long they want it.
	For time.Duration `json:"for"`
	// Call needed the resource and was not run; 0 = none. It is offered to be
	// run when the resource is theirs.
	Call CallID `json:"call,omitempty"`
}

// Holding is a resource that is held: by whom, for which sessions, and who
// waits for it.
type Holding struct {
	Resource string `json:"-"`
	// Revision counts the changes; 0 = not on record.
	Revision int64       `json:"-"`
	Lease    Lease       `json:"lease"`
	Sessions []SessionID `json:"sessions,omitempty"`
	Queue    []Waiter    `json:"queue,omitempty"`
}

// Free reports whether nobody holds it.
func (h Holding) Free() bool { return h.Lease.Person == "" }

// Resource is one that is known by configuration.
type Resource struct {
	Name string
	Max  time.Duration // the longest that one may hold it; 0 = LeaseMost
}

// Bounds of leases.
const (
	// LeaseUsual is for how long a resource is held by who does not say.
	LeaseUsual = 20 * time.Minute
	// LeaseMost is the longest, where nothing is configured.
	LeaseMost = 12 * time.Hour
	// queueMost is how many may wait for one resource.
	queueMost = 20
	// holdingsMost is how many resources may be held at once: their names are
	// anybody's to choose.
	holdingsMost = 100
	// leaseLook is how often the clock is looked at, and sessionLook the
	// sessions that hold something.
	leaseLook   = 15 * time.Second
	sessionLook = 5 * time.Second
)

// isNow says who has it now, if somebody does.
func (h Holding) isNow() string {
	if h.Free() {
		return ""
	}
	return " It is " + h.Lease.Person + "'s now."
}

// giveBack is the button that ends a lease.
func giveBack(resource string) Button {
	return Button{Label: "Give back", Command: "unlock", Args: Args{"name": {resource}}}
}

// waits says who waits.
func waits(queue []Waiter) string {
	if len(queue) == 0 {
		return ""
	}
	var names []string
	for _, w := range queue {
		names = append(names, w.Person)
	}
	if len(names) > 3 {
		names = append(names[:3], fmt.Sprintf("%d more", len(queue)-3))
	}
	return " In line: " + strings.Join(names, ", ") + "."
}

// IsResource reports whether something can be held under the name.
func IsResource(name string) bool { return resourceName.MatchString(name) }

var resourceName = regexp.MustCompile(`^[A-Za-z0-9/][A-Za-z0-9._/:-]{0,31}$`)

// Lasts says how long it is held, as in "until 14:20".
func (h Holding) Lasts() string {
	switch {
	case len(h.Sessions) > 0 && h.Lease.Until.IsZero():
		return "while session " + string(h.Sessions[0]) + " runs"
	case len(h.Sessions) > 0:
		return "until " + clockTime(h.Lease.Until) + " and while session " + string(h.Sessions[0]) + " runs"
	default:
		return "until " + clockTime(h.Lease.Until)
	}
}

// Place is where the person stands in line, from 1; 0 = nowhere.
func (h Holding) Place(person string) int {
	return 1 + slices.IndexFunc(h.Queue, func(w Waiter) bool { return w.Person == person })
}

// clockTime is a time by the device's clock, with its day if that is far.
func clockTime(t time.Time) string {
	if time.Until(t) > 20*time.Hour {
		return t.Local().Format("2 Jan 15:04")
	}
	return t.Local().Format("15:04")
}
