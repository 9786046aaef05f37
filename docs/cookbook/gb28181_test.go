package cookbook

import (
	"context"
	"net/netip"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/sluice-media/sluice/gb28181"
	"github.com/sluice-media/sluice/hook"
	"github.com/sluice-media/sluice/media"
)

// A camera, which is a platform itself here, sends what another gets, and hears what is said to it.
func TestGB28181(t *testing.T) {
	before := goleak.IgnoreCurrent()
	t.Cleanup(func() { goleak.VerifyNone(t, before) })
	start := func(ports [2]int) (*media.Server, *gb28181.Server) {
		m, err := media.New(media.Config{Hooks: []hook.Hook{dialogs{}}})
		require.NoError(t, err)
		t.Cleanup(func() { require.NoError(t, m.Close()) })
		s, err := gb28181.NewServer(m, gb28181.Config{LocalIP: netip.MustParseAddr("127.0.0.1"), PortRange: ports})
		require.NoError(t, err)
		return m, s
	}
	await := func(m *media.Server, app, name string) {
		require.Eventually(t, func() bool {
			_, ok := m.Stream(media.StreamKey{App: app, Name: name})
			return ok
		}, patience, time.Millisecond)
	}
	here, platform := start([2]int{48000, 48100})
	there, camera := start([2]int{48200, 48300})
	above, other := start([2]int{48400, 48500})
	publishClip(t, there, media.StreamKey{App: "live", Name: "lens"})
	publishClip(t, here, media.StreamKey{App: "live", Name: "voice"})
	port, err := invited(t.Context(), platform, "cam", 7)
	require.NoError(t, err)
	_, err = camera.Send(t.Context(), gb28181.SendRequest{
		Stream: media.StreamKey{App: "live", Name: "lens"}, SSRC: 7, Host: "127.0.0.1", Port: port, UDP: true,
		Receive: media.StreamKey{App: "rtp", Name: "loudspeaker"},
	})
	require.NoError(t, err)
	await(here, "rtp", "cam")
	port, err = invited(t.Context(), other, "copy", 8)
	require.NoError(t, err)
	require.NoError(t, cascade(t.Context(), platform, "cam", "127.0.0.1", port, 8))
	await(above, "rtp", "copy")
	require.NoError(t, answer(t.Context(), platform, media.StreamKey{App: "live", Name: "voice"}, "cam"))
	await(there, "rtp", "loudspeaker")
	dialogs{}.OnRTPServerTimeout(context.Background(), &hook.RTPServerTimeoutEvent{})
	dialogs{}.OnSendRTPStopped(context.Background(), &hook.SendRTPStoppedEvent{})
}
