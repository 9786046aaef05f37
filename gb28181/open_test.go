package gb28181_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sluice-media/sluice/gb28181"
	"github.com/sluice-media/sluice/hook"
	"github.com/sluice-media/sluice/media"
)

// A port that several have listens for connections when one of them wants that, who need not be the first.
func TestReusedPortListens(t *testing.T) {
	t.Parallel()
	m, s := start(t, media.Config{}, gb28181.Config{})
	port := open(t, s, gb28181.Request{SSRC: 1, ReusePort: true})
	other := media.StreamKey{VHost: hook.DefaultVHost, App: "rtp", Name: "other"}
	for _, key := range []media.StreamKey{other, live} {
		open(t, s, gb28181.Request{Stream: key, Port: port, SSRC: 2, ReusePort: true, Mode: gb28181.TCPPassive})
	}
	require.True(t, s.ClosePort(camera))
	d := newDevice(t, toTCP(t, dialTCP(t, port)))
	d.ssrc = 2
	sends(t, d)
	requireRun(t, await(t, m, other), d.packets, 50)
}

// What cannot be received has no port.
func TestCannotOpen(t *testing.T) {
	t.Parallel()
	_, s := start(t, media.Config{}, gb28181.Config{})
	for _, r := range []gb28181.Request{
		{Mode: -1}, {Mode: gb28181.TCPActive + 1}, {Tracks: -1}, {Tracks: gb28181.VideoOnly + 1}, {Port: -1}, {Port: 65535}, {Port: 65536},
	} {
		r.Stream = camera
		_, err := s.Open(t.Context(), r)
		require.Error(t, err, "%+v", r)
		require.NotErrorIs(t, err, media.ErrNoPorts, "%+v", r)
	}
	for _, key := range []media.StreamKey{{App: "rtp"}, {Name: "camera"}, {App: "rtp", Name: strings.Repeat("x", 8<<10+1)}} {
		_, err := s.Open(t.Context(), gb28181.Request{Stream: key})
		require.ErrorIs(t, err, media.ErrBadName)
	}
	require.Empty(t, s.Ports())
}
