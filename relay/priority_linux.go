package relay

import (
	"os/exec"

	"golang.org/x/sys/unix"
)

// lower lets a program that has just been started, and what it starts, have the processor when nobody else wants it (sched(7), SCHED_IDLE).
// A nice one is not enough: it keeps who wakes up waiting for as long as its turn lasts. Where that is not allowed it is as the server.
func lower(cmd *exec.Cmd) {
	_ = unix.SchedSetAttr(cmd.Process.Pid, &unix.SchedAttr{Size: unix.SizeofSchedAttr, Policy: unix.SCHED_IDLE}, 0)
}
