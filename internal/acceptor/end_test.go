package acceptor

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sluice-media/sluice/media"
)

func TestPanicEndsTheSessionOnly(t *testing.T) {
	err := Guard(func() error { panic("boom") })
	p, ok := errors.AsType[*PanicError](err)
	require.True(t, ok)
	require.Contains(t, err.Error(), "boom")
	require.Contains(t, string(p.Stack), "TestPanicEndsTheSessionOnly")
	require.Equal(t, io.EOF, Guard(func() error { return io.EOF }))
}

// Each end has one line, and how bad it was is its level.
func TestEnds(t *testing.T) {
	for name, c := range map[string]struct {
		err, kicked error
		quiet       bool
		want        string
	}{
		"closed":              {io.EOF, nil, false, "DEBUG session ended"},
		"at its end":          {nil, nil, false, "DEBUG session ended"},
		"finished":            {errors.New("x"), nil, true, "DEBUG session ended"},
		"the server ends":     {fmt.Errorf("play: %w", media.ErrServerClosed), nil, false, "DEBUG session ended"},
		"kicked":              {net.ErrClosed, errors.New("x"), false, "INFO session kicked"},
		"too slow":            {os.ErrDeadlineExceeded, nil, false, "INFO session timed out"},
		"broken":              {errors.New("x"), nil, false, "INFO session failed"},
		"refused":             {&Refusal{errors.New("x")}, nil, true, "INFO session refused"},
		"a hook's timeout":    {&Refusal{os.ErrDeadlineExceeded}, nil, false, "INFO session refused"},
		"a hook's hanging up": {&Refusal{fmt.Errorf("hook: %w", io.EOF)}, nil, false, "INFO session refused"},
		"given up":            {&Refusal{context.Canceled}, nil, false, "DEBUG session ended"},
		"panicked":            {&PanicError{Value: "x"}, nil, false, "ERROR session panicked"},
	} {
		var b bytes.Buffer
		var ends Ends
		ends.Log(slog.New(slog.NewTextHandler(&b, &slog.HandlerOptions{Level: slog.LevelDebug})), End{Err: c.err, Kicked: c.kicked, Quiet: c.quiet})
		level, msg, _ := strings.Cut(c.want, " ")
		require.Equal(t, 1, strings.Count(b.String(), "\n"), name)
		require.Contains(t, b.String(), fmt.Sprintf("level=%s msg=%q", level, msg), name)
		require.NotContains(t, b.String(), "nil", name)
	}
}

// However many have failed that nobody has admitted, each kind of failure has a line a second, which tells their number. Of
// those who were admitted each has its own.
func TestEndsOfStrangers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var b bytes.Buffer
		log := slog.New(slog.NewTextHandler(&b, nil))
		var ends Ends
		for range 100 {
			for _, err := range []error{
				errors.New("x"), &Refusal{errors.New("x")}, &Refusal{media.ErrHookFailed}, os.ErrDeadlineExceeded, &PanicError{Value: "x"},
			} {
				ends.Log(log, End{Err: err})
			}
			ends.Log(log, End{Err: net.ErrClosed, Kicked: errors.New("x")})
			time.Sleep(20 * time.Millisecond)
		}
		require.Equal(t, 6*2, strings.Count(b.String(), "\n"))
		require.Equal(t, 6, strings.Count(b.String(), "number=50\n"))
		b.Reset()
		for range 100 {
			ends.Log(log, End{Err: errors.New("x"), Admitted: true})
		}
		require.Equal(t, 100, strings.Count(b.String(), "session failed"))
	})
}
