package rtmp

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sluice-media/sluice/hook"
	"github.com/sluice-media/sluice/media"
)

// A packet whose message could not say its length must not reach players: it would tear their streams.
func TestTooLongPacketsAreLeftOut(t *testing.T) {
	m := newFormat(false).New()
	out, err := m.AppendPacket([]byte("before"), testPacket(maxBody-4, 0))
	require.Error(t, err)
	require.Equal(t, "before", string(out))
	out, err = m.AppendPacket(nil, testPacket(maxBody-5, 0))
	require.NoError(t, err)
	require.Greater(t, len(out), maxBody)
	header, err := m.AppendHeader(nil, &media.Description{Metadata: map[string]any{"x": string(make([]byte, 1<<24))}})
	require.NoError(t, err)
	require.Empty(t, header)
}

func TestVHostOfOddURLs(t *testing.T) {
	for name, c := range map[string]struct{ tcURL, params, want string }{
		"broken query":      {"rtmp://h/live", "a=%zz&vhost=v", "v"},
		"semicolon":         {"rtmp://h/live", "a;b&vhost=v", "v"},
		"LOCALHOST":         {"rtmp://LocalHost/live", "", hook.DefaultVHost},
		"override to an IP": {"rtmp://h/live", "vhost=10.0.0.1", hook.DefaultVHost},
		"none":              {"", "", hook.DefaultVHost},
	} {
		require.Equal(t, c.want, newLink(c.tcURL, "live").vhost(c.params, true), name)
	}
}
