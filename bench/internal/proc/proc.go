// Package proc reads what Linux tells about a process: processor time, resident memory, write calls.
package proc

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"
)

// tick is the unit of the times in /proc. The kernel reports them in USER_HZ, which is 100 on every Linux port Go has.
const tick = time.Second / 100

// Times is the processor time used so far.
type Times struct {
	User, System time.Duration
}

// Total returns user and system time together.
func (t Times) Total() time.Duration { return t.User + t.System }

// CPU returns the processor time of process pid, all its threads together.
func CPU(pid int) (Times, error) {
	b, err := read(pid, "stat")
	if err != nil {
		return Times{}, err
	}
	return parseStat(b)
}

// parseStat reads utime and stime, fields 14 and 15 of proc_pid_stat(5). The second field may hold blanks and
// parentheses, so the rest is counted from the last one.
func parseStat(b []byte) (Times, error) {
	end := bytes.LastIndexByte(b, ')')
	if end < 0 {
		return Times{}, fmt.Errorf("proc: stat line %q", b)
	}
	fields := strings.Fields(string(b[end+1:]))
	if len(fields) < 13 {
		return Times{}, fmt.Errorf("proc: stat line of %d fields", len(fields)+2)
	}
	user, err := ticks(fields[11])
	if err != nil {
		return Times{}, err
	}
	system, err := ticks(fields[12])
	return Times{User: user, System: system}, err
}

func ticks(s string) (time.Duration, error) {
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil {
		return 0, fmt.Errorf("proc: time %q: %w", s, err)
	}
	return time.Duration(n) * tick, nil
}

// RSS returns the resident memory of process pid in bytes.
func RSS(pid int) (int64, error) {
	b, err := read(pid, "status")
	if err != nil {
		return 0, err
	}
	kb, err := field(b, "VmRSS:")
	return kb * 1024, err
}

// Writes returns how often process pid has called write or writev so far; sendmsg and the like are not counted.
func Writes(pid int) (int64, error) {
	b, err := read(pid, "io")
	if err != nil {
		return 0, err
	}
	return field(b, "syscw:")
}

// Machine returns the processor time all processes used together, without idle and waiting time.
func Machine() (time.Duration, error) {
	b, err := os.ReadFile("/proc/stat")
	if err != nil {
		return 0, fmt.Errorf("proc: %w", err)
	}
	return parseMachine(b)
}

// parseMachine adds user, nice, system, irq, softirq and steal of the first line of /proc/stat, proc_stat(5).
func parseMachine(b []byte) (time.Duration, error) {
	line, _, _ := strings.Cut(string(b), "\n")
	fields := strings.Fields(line)
	if len(fields) < 9 || fields[0] != "cpu" {
		return 0, fmt.Errorf("proc: stat line %q", line)
	}
	var sum time.Duration
	for _, i := range [...]int{1, 2, 3, 6, 7, 8} {
		d, err := ticks(fields[i])
		if err != nil {
			return 0, err
		}
		sum += d
	}
	return sum, nil
}

// field finds the number behind a name at the beginning of a line.
func field(b []byte, name string) (int64, error) {
	for line := range strings.Lines(string(b)) {
		rest, found := strings.CutPrefix(line, name)
		if !found {
			continue
		}
		fields := strings.Fields(rest)
		if len(fields) == 0 {
			break
		}
		n, err := strconv.ParseInt(fields[0], 10, 64)
		if err != nil {
			return 0, fmt.Errorf("proc: %s %q: %w", name, rest, err)
		}
		return n, nil
	}
	return 0, fmt.Errorf("proc: no %s", name)
}

func read(pid int, name string) ([]byte, error) {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/%s", pid, name))
	if err != nil {
		return nil, fmt.Errorf("proc: %w", err)
	}
	return b, nil
}
