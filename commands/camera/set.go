package camera

import (
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"chapi/bot"
)

// Set is the cameras of a device.
type Set struct {
	cameras []*Camera
	found   []Config // what is there while none are declared
}

// NewSet makes the declared cameras. Without any, a camera that is the only one
// found on the device is used. dir is a folder of our own; what an earlier run
// left in it is removed.
func NewSet(declared []Config, dir string, log *slog.Logger) (*Set, error) {
	s := &Set{}
	if len(declared) == 0 {
		s.found = discover("/")
		if len(s.found) == 1 {
			declared = s.found
		}
	}
	if err := os.RemoveAll(dir); err != nil {
		return nil, fmt.Errorf("empty the cameras' folder: %w", err)
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("make the cameras' folder: %w", err)
	}
	for _, c := range declared {
		camera, err := open(c, dir, log)
		if err != nil {
			return nil, err
		}
		camera.sweep()
		s.cameras = append(s.cameras, camera)
	}
	return s, nil
}

// Names is the names of all cameras.
func (s *Set) Names() []string {
	var names []string
	for _, c := range s.cameras {
		names = append(names, c.Name)
	}
	return names
}

// Find is the camera of that name; an empty name is the only one. Errors are
// *bot.UserError.
func (s *Set) Find(name string) (*Camera, error) {
	if len(s.cameras) == 0 {
		return nil, &bot.UserError{Text: s.advice()}
	}
	if name == "" && len(s.cameras) == 1 {
		return s.cameras[0], nil
	}
	for _, c := range s.cameras {
		if strings.EqualFold(c.Name, name) {
			return c, nil
		}
	}
	if name == "" {
		return nil, bot.Userf("Which camera? There are %s.", strings.Join(s.Names(), ", "))
	}
	return nil, bot.Userf("There is no camera %.40q; there is %s.", name, strings.Join(s.Names(), ", "))
}

// advice is what to write into the configuration.
func (s *Set) advice() string {
	if len(s.found) == 0 {
		return "No camera is declared, and none was found on this device. In the configuration, under cameras:\n" +
			"  - {name: yard, source: \"http://CAMERA/stream.mjpeg\"}"
	}
	lines := []string{fmt.Sprintf("No camera is declared, and %d were found. Put those that you want into the configuration:", len(s.found)), "cameras:"}
	for _, c := range s.found {
		lines = append(lines, fmt.Sprintf("  - {name: %s, source: %s}", c.Name, c.Source))
	}
	return strings.Join(lines, "\n")
}

// inner are parts of a Raspberry Pi that look like cameras and are none, or are
// reached by rpicam.
var inner = []string{"bcm2835-codec", "bcm2835-isp", "rpivid", "rpi-hevc", "pispbe", "unicam", "rp1-cfe"}

// discover looks for cameras on the device whose root folder is root.
func discover(root string) []Config {
	var found []Config
	if _, err := exec.LookPath("rpicam-still"); err == nil && sensor(root) {
		found = append(found, Config{Name: "pi", Source: "rpicam"})
	}
	devices, _ := filepath.Glob(filepath.Join(root, "sys/class/video4linux/video*"))
	for _, sys := range devices {
		node := "/dev/" + filepath.Base(sys)
		if _, err := os.Stat(filepath.Join(root, node)); err != nil || value(sys, "index") != "0" || isInner(value(sys, "name")) {
			continue
		}
		name := "camera"
		if n := len(found); n > 0 {
			name = fmt.Sprintf("camera%d", n+1)
		}
		found = append(found, Config{Name: name, Source: node})
	}
	return found
}

// sensor reports whether a Pi's camera is attached: only then there is what it
// is read through.
func sensor(root string) bool {
	devices, _ := filepath.Glob(filepath.Join(root, "sys/class/video4linux/video*/name"))
	for _, d := range devices {
		if name := value(filepath.Dir(d), "name"); strings.HasPrefix(name, "unicam") || strings.HasPrefix(name, "rp1-cfe") {
			return true
		}
	}
	return false
}

func value(dir, name string) string {
	text, _ := os.ReadFile(filepath.Join(dir, name))
	return strings.TrimSpace(string(text))
}

func isInner(name string) bool {
	for _, prefix := range inner {
		if strings.HasPrefix(name, prefix) {
			return true
		}
	}
	return false
}
