package relay

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"runtime"
	"strings"
	"syscall"
	"time"

	"github.com/sluice-media/sluice/internal/redact"
)

// saidMost is how much of what a program says is kept, the last of it, and saidShort how much of that an error has.
const (
	saidMost  = 2 << 10
	saidShort = 300
)

// tail keeps the last of what is written to it.
type tail struct {
	text []byte
	torn bool // it does not begin where a line does
}

// Write implements [io.Writer].
func (t *tail) Write(b []byte) (int, error) {
	t.text = append(t.text, b...)
	if over := len(t.text) - saidMost; over > 0 {
		t.text = append(t.text[:0], t.text[over:]...)
		t.torn = true
	}
	return len(b), nil
}

// lines returns the whole lines that are kept: in the rest of one a URL could have lost the beginning by which it is known, and so show its
// password.
func (t *tail) lines() string {
	text := t.text
	if t.torn {
		_, text, _ = bytes.Cut(bytes.ReplaceAll(text, []byte("\r"), []byte("\n")), []byte("\n"))
	}
	return strings.TrimSpace(string(text))
}

// ending returns the last lines of a text, which are where a program says why it gives up: ffmpeg begins with how it was built.
func ending(text string) string {
	if len(text) <= saidShort {
		return text
	}
	text = text[len(text)-saidShort:]
	if _, whole, ok := strings.Cut(text, "\n"); ok {
		return whole
	}
	return strings.ToValidUTF8(text, "")
}

// capped keeps what is written to it, up to a bound.
type capped struct {
	data []byte
	left int
}

// Write implements [io.Writer].
func (c *capped) Write(b []byte) (int, error) {
	if len(b) > c.left {
		return 0, errors.New("relay: the output is too long")
	}
	c.left -= len(b)
	c.data = append(c.data, b...)
	return len(b), nil
}

// runFilter runs a program that reads input, and returns what it writes: a picture at most. started, if it is
// not nil, gets it when it runs. Otherwise it does as runProcess.
func runFilter(ctx context.Context, args, env []string, input []byte, started func(*exec.Cmd)) ([]byte, error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	cmd := exec.CommandContext(ctx, args[0], args[1:]...) //nolint:gosec // the program is the host's, and there is no shell
	out, said := &capped{left: maxSnapshot}, &tail{}
	cmd.Stdin, cmd.Stdout, cmd.Stderr = bytes.NewReader(input), out, said
	cmd.Env = env
	cmd.WaitDelay = 2 * time.Second
	ownGroup(cmd)
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("relay: a picture takes ffmpeg: %w", err)
	}
	if started != nil {
		started(cmd)
	}
	err := cmd.Wait()
	endGroup(cmd)
	switch {
	case ctx.Err() != nil:
		return nil, context.Cause(ctx)
	case !cmd.ProcessState.Success():
		return nil, fmt.Errorf("relay: ffmpeg: %s: %s", cmd.ProcessState, ending(redact.Text(said.lines())))
	case err != nil && !errors.Is(err, syscall.EPIPE): // it need not read all
		return nil, fmt.Errorf("relay: ffmpeg: %w", err)
	}
	return out.data, nil
}

// runProcess runs a program until it ends, or ctx does, with all that it has started. said gets the last it has said, if it has ended by
// itself. The goroutine keeps its thread, since on Linux a child can be ended with the thread that has started it.
func runProcess(ctx context.Context, args, env []string, said func(text string)) error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	cmd := exec.CommandContext(ctx, args[0], args[1:]...) //nolint:gosec // the program is the host's, and there is no shell
	out := &tail{}
	cmd.Stdout, cmd.Stderr = out, out
	cmd.Env = env
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
	said(out.lines())
	return fmt.Errorf("relay: ffmpeg has ended: %s", cmd.ProcessState)
}
