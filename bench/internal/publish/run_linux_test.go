package publish

import (
	"errors"
	"net"
	"net/url"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestRunRefuses(t *testing.T) {
	t.Parallel()
	u, err := url.Parse("rtmp://127.0.0.1:1/live/a")
	require.NoError(t, err)
	for name, cfg := range map[string]Config{
		"no stream":   {Proto: "rtmp", URL: u},
		"no URL":      {Proto: "rtmp", N: 1},
		"no protocol": {URL: u, N: 1},
		"no clip":     {Proto: "rtmp", URL: u, N: 1},
	} {
		err := Run(t.Context(), cfg, func() { t.Error("ready") })
		require.Error(t, err, name)
		require.False(t, errors.Is(err, net.ErrClosed))
	}
}
