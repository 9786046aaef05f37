package acceptor

import (
	"errors"
	"io"
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
