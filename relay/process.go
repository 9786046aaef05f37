package relay

import (
	"context"
	"fmt"
	"os/exec"
	"runtime"
	"strings"
	"time"
)

// saidMost is how much of what a program says is kept: the last of it.
const saidMost = 2 << 10

// tail keeps the last of what is written to it.
type tail struct{ text []byte }

// Write implements [io.Writer].
func (t *tail) Write(b []byte) (int, error) {
	t.text = append(t.text, b...)
	if over := len(t.text) - saidMost; over > 0 {
		t.text = append(t.text[:0], t.text[over:]...)
	}
	return len(b), nil
}

// runProcess runs a program until it ends, or ctx does, with all that it has started. said gets the last it has said, if it has ended by
// itself. The goroutine keeps its thread, since on Linux a child can be ended with the thread that has started it.
func runProcess(ctx context.Context, args []string, said func(text string)) error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	cmd := exec.CommandContext(ctx, args[0], args[1:]...) //nolint:gosec // the program is the host's, and there is no shell
	out := &tail{}
	cmd.Stdout, cmd.Stderr = out, out
	cmd.WaitDelay = 2 * time.Second
	ownGroup(cmd)
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("relay: %w", err)
	}
	_ = cmd.Wait() // how it has ended is in its state
	endGroup(cmd)  // what it has started and left behind
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	said(strings.TrimSpace(string(out.text)))
	return fmt.Errorf("relay: ffmpeg has ended: %s", cmd.ProcessState)
}
