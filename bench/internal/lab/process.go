// Package lab sets up what a measurement needs: the programs, the clip, a server with a publisher, the load generator.
package lab

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// stopWait is how long a process may take to end after SIGTERM before it is killed.
const stopWait = 5 * time.Second

// publishLimit is how long many publishers may take to be set up, and sayPoll how often to look whether they are.
const (
	publishLimit = time.Minute
	sayPoll      = 20 * time.Millisecond
)

// logTail is how much of a process's output an error quotes.
const logTail = 2000

// process is a running program whose output goes to a file.
type process struct {
	cmd  *exec.Cmd
	log  string
	done chan struct{}
	err  error // why it ended; valid once done is closed
}

// start runs args with its output in dir. The process is asked to end when ctx ends.
func start(ctx context.Context, dir string, args ...string) (*process, error) {
	name := filepath.Base(args[0])
	file, err := os.CreateTemp(dir, name+"-*.log")
	if err != nil {
		return nil, fmt.Errorf("lab: %w", err)
	}
	defer file.Close()
	cmd := exec.CommandContext(ctx, args[0], args[1:]...)
	cmd.Dir, cmd.Stdout, cmd.Stderr = dir, file, file
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = stopWait
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("lab: %w", err)
	}
	p := &process{cmd: cmd, log: file.Name(), done: make(chan struct{})}
	go func() {
		defer close(p.done)
		p.err = cmd.Wait()
	}()
	return p, nil
}

func (p *process) pid() int { return p.cmd.Process.Pid }

// stop ends the process and waits for it.
func (p *process) stop() {
	select {
	case <-p.done:
		return
	default:
	}
	_ = p.cmd.Process.Signal(syscall.SIGTERM) // an error means that it has ended already
	select {
	case <-p.done:
	case <-time.After(stopWait):
		_ = p.cmd.Process.Kill()
		<-p.done
	}
}

// alive returns an error that quotes the output when the process has ended by itself.
func (p *process) alive() error {
	select {
	case <-p.done:
		return fmt.Errorf("lab: %s ended: %w\n%s", filepath.Base(p.cmd.Path), orElse(p.err, errors.New("exit status 0")), p.tail())
	default:
		return nil
	}
}

// says waits until the process has printed word.
func (p *process) says(ctx context.Context, word string, deadline time.Time) error {
	for !strings.Contains(p.tail(), word) {
		if dead := p.alive(); dead != nil {
			return dead
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("lab: %s takes too long\n%s", filepath.Base(p.cmd.Path), p.tail())
		}
		if err := Sleep(ctx, sayPoll); err != nil {
			return err
		}
	}
	return nil
}

func (p *process) tail() string {
	b, err := os.ReadFile(p.log)
	if err != nil {
		return err.Error()
	}
	return strings.TrimSpace(string(b[max(0, len(b)-logTail):]))
}

func orElse(err, other error) error {
	if err != nil {
		return err
	}
	return other
}

// output runs args to the end and returns its standard output. The output is returned with an error, too.
func output(ctx context.Context, args ...string) ([]byte, error) {
	var out, complaints bytes.Buffer
	cmd := exec.CommandContext(ctx, args[0], args[1:]...)
	cmd.Stdout, cmd.Stderr = &out, &complaints
	if err := cmd.Run(); err != nil {
		return out.Bytes(), fmt.Errorf("lab: %s: %w\n%s", filepath.Base(args[0]), err, strings.TrimSpace(complaints.String()))
	}
	return out.Bytes(), nil
}

// Sleep waits for d or until ctx ends.
func Sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-timer.C:
		return nil
	}
}
