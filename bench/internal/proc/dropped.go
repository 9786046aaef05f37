package proc

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
)

// Dropped returns how many datagrams the UDP sockets of ports had no room for so far, in the network of process pid.
func Dropped(pid int, ports []int) (int, error) {
	sum := 0
	for _, name := range []string{"net/udp", "net/udp6"} {
		b, err := read(pid, name)
		if errors.Is(err, os.ErrNotExist) {
			continue // a machine without IPv6
		}
		if err != nil {
			return 0, err
		}
		n, err := parseDropped(b, ports)
		if err != nil {
			return 0, err
		}
		sum += n
	}
	return sum, nil
}

// parseDropped adds the last column of the sockets of ports, proc_net(5): "sl local_address ... drops".
func parseDropped(b []byte, ports []int) (sum int, err error) {
	for line := range strings.Lines(string(b)) {
		fields := strings.Fields(line)
		if len(fields) < 13 || fields[0] == "sl" {
			continue
		}
		_, text, _ := strings.Cut(fields[1], ":")
		port, err := strconv.ParseUint(text, 16, 16)
		if err != nil {
			return 0, fmt.Errorf("proc: address %q: %w", fields[1], err)
		}
		if !slices.Contains(ports, int(port)) {
			continue
		}
		n, err := strconv.Atoi(fields[len(fields)-1])
		if err != nil {
			return 0, fmt.Errorf("proc: drops %q: %w", fields[len(fields)-1], err)
		}
		sum += n
	}
	return sum, nil
}
