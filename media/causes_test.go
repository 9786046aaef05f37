package media_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sluice-media/sluice/internal/testlog"
	"github.com/sluice-media/sluice/media"
)

// A clean end has no cause, and the log names none.
func TestCleanEndsHaveNoCause(t *testing.T) {
	var log testlog.Buffer
	s := newServer(t, media.Config{Logger: log.Logger()})
	for _, cause := range []error{nil, media.ErrKicked} {
		pub := publish(t, s, video)
		p, err := s.Play(t.Context(), media.PlayRequest{Stream: key})
		require.NoError(t, err)
		p.Close(cause)
		pub.Close(nil)
		require.NotContains(t, log.String(), "nil")
	}
	require.Equal(t, 2, strings.Count(log.String(), "player left"))
	require.Equal(t, 1, strings.Count(log.String(), "cause="))
	require.Equal(t, 2, strings.Count(log.String(), `"stream ended"`))
}
