package device

import (
	"net"
	"strings"
)

// Network is a network interface that is up and has an address.
type Network struct {
	Name      string   `json:"name"`
	Addresses []string `json:"addresses"`
	// Signal of a radio, in dBm: -50 is strong, -80 weak.
	Signal *float64 `json:"signal_dbm,omitempty"`
	// Received and Sent are bytes since the machine was started.
	Received int64 `json:"received,omitempty"`
	Sent     int64 `json:"sent,omitempty"`
}

// maxNetworks is how many interfaces are looked at: containers make many.
const maxNetworks = 16

// networks completes the interfaces with what /proc tells of them.
func (m *Machine) networks() ([]Network, error) {
	list := m.Networks
	if list == nil {
		list = interfaces
	}
	all, err := list()
	if err != nil {
		return nil, err
	}
	signals, traffic := m.signals(), m.traffic()
	for i := range all {
		n := &all[i]
		if dbm, ok := signals[n.Name]; ok {
			n.Signal = &dbm
		}
		n.Received, n.Sent = traffic[n.Name][0], traffic[n.Name][1]
	}
	return all, nil
}

// interfaces are those of this machine. Addresses that hold on one cable only
// are left out.
func interfaces() ([]Network, error) {
	found, err := net.Interfaces()
	if err != nil {
		return nil, err
	}
	var all []Network
	for _, i := range found {
		if i.Flags&net.FlagUp == 0 || i.Flags&net.FlagLoopback != 0 || len(all) == maxNetworks {
			continue
		}
		addresses, err := i.Addrs()
		if err != nil {
			continue
		}
		n := Network{Name: i.Name}
		for _, a := range addresses {
			if ip, ok := a.(*net.IPNet); ok && ip.IP.IsGlobalUnicast() {
				n.Addresses = append(n.Addresses, ip.IP.String())
			}
		}
		if len(n.Addresses) > 0 {
			all = append(all, n)
		}
	}
	return all, nil
}

// signals is how well each radio hears its network, in dBm, from
// /proc/net/wireless; see iwconfig(8). A level above 0 is one that the driver
// counts from -256.
func (m *Machine) signals() map[string]float64 {
	levels := map[string]float64{}
	for line := range strings.Lines(m.text("/proc/net/wireless")) {
		name, rest, ok := strings.Cut(line, ":")
		fields := strings.Fields(rest)
		if !ok || len(fields) < 3 {
			continue
		}
		if level, ok := number(strings.TrimSuffix(fields[2], ".")); ok {
			if level > 63 {
				level -= 256
			}
			levels[strings.TrimSpace(name)] = level
		}
	}
	return levels
}

// traffic is the bytes received and sent by each interface: proc_pid_net(5).
func (m *Machine) traffic() map[string][2]int64 {
	counts := map[string][2]int64{}
	for line := range strings.Lines(m.text("/proc/net/dev")) {
		name, rest, ok := strings.Cut(line, ":")
		fields := strings.Fields(rest)
		if !ok || len(fields) < 9 {
			continue
		}
		received, _ := number(fields[0])
		sent, _ := number(fields[8])
		counts[strings.TrimSpace(name)] = [2]int64{int64(received), int64(sent)}
	}
	return counts
}
