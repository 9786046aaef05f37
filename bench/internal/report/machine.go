package report

import (
	"fmt"
	"os"
	"runtime"
	"strings"
	"time"
)

// DescribeMachine says what the figures were taken on. What the system does not tell is left out.
func DescribeMachine() []string {
	lines := []string{
		fmt.Sprintf("%s, %s", time.Now().Format("2006-01-02"), runtime.Version()),
		fmt.Sprintf("%d cores%s, %s/%s", runtime.NumCPU(), prefixed(", ", named("/proc/cpuinfo", "model name")), runtime.GOOS, runtime.GOARCH),
	}
	if kernel := content("/proc/sys/kernel/osrelease"); kernel != "" {
		lines = append(lines, "Linux "+kernel)
	}
	if memory := named("/proc/meminfo", "MemTotal"); memory != "" {
		lines = append(lines, "memory "+memory)
	}
	if tcp := content("/proc/sys/net/ipv4/tcp_congestion_control"); tcp != "" {
		lines = append(lines, "TCP congestion control "+tcp)
	}
	return append(lines, "server, publisher and load generator share the machine; all traffic is loopback")
}

// named finds the value behind "name :" in a file of such lines.
func named(file, name string) string {
	for line := range strings.Lines(content(file)) {
		if key, value, found := strings.Cut(line, ":"); found && strings.TrimSpace(key) == name {
			return strings.TrimSpace(value)
		}
	}
	return ""
}

func content(file string) string {
	b, err := os.ReadFile(file)
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(b))
}

func prefixed(prefix, s string) string {
	if s == "" {
		return ""
	}
	return prefix + s
}
