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

	"github.com/stretchr/testify/require"
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
func TestLogEnd(t *testing.T) {
	for name, c := range map[string]struct {
		err, kicked error
		quiet       bool
		want        string
	}{
		"closed":              {io.EOF, nil, false, "DEBUG session ended"},
		"at its end":          {nil, nil, false, "DEBUG session ended"},
		"finished":            {errors.New("x"), nil, true, "DEBUG session ended"},
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
		LogEnd(slog.New(slog.NewTextHandler(&b, &slog.HandlerOptions{Level: slog.LevelDebug})), c.err, c.kicked, c.quiet)
		level, msg, _ := strings.Cut(c.want, " ")
		require.Equal(t, 1, strings.Count(b.String(), "\n"), name)
		require.Contains(t, b.String(), fmt.Sprintf("level=%s msg=%q", level, msg), name)
		require.NotContains(t, b.String(), "nil", name)
	}
}
