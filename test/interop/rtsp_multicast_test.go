package interop

import (
	"context"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sluice-media/sluice/media"
)

// inNamespace is set for the test that runs in a network of its own.
const inNamespace = "SLUICE_INTEROP_NETNS"

// Players share a multicast group. The test runs itself in a network namespace, whose loopback can do multicast and
// disturbs nobody.
func TestRTSPMulticast(t *testing.T) {
	if os.Getenv(inNamespace) != "" {
		multicast(t)
		return
	}
	t.Parallel()
	need(t, "ffmpeg", "unshare", "ip")
	if os.Geteuid() != 0 {
		t.Skip("a network namespace needs root")
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	const network = "ip link set lo up && ip link set lo multicast on && ip route add 239.0.0.0/8 dev lo"
	if _, err := run(ctx, "unshare", "-n", "sh", "-c", network); err != nil {
		missing(t, "no network namespace: "+err.Error())
	}
	self, err := os.Executable()
	require.NoError(t, err)
	text, err := run(ctx, "env", inNamespace+"=yes", "unshare", "-n", "sh", "-c", network+` && exec "$0" "$@"`,
		self, "-test.v", "-test.run=^TestRTSPMulticast$", "-test.timeout=2m")
	t.Log(text)
	require.NoError(t, err)
	require.Contains(t, text, "--- PASS: TestRTSPMulticast")
	require.NotContains(t, text, "--- SKIP")
}

// multicast has a group for each kind of client: GStreamer takes its own RTCP, which comes back to it, for that of
// another with its SSRC, and says BYE to change it; and ffmpeg ends at the BYE of anybody.
func multicast(t *testing.T) {
	for name, readers := range map[string][]reader{
		"ffmpeg":    {mayLose(rtspCopier("one", "udp_multicast")), mayLose(rtspCopier("another", "udp_multicast"))},
		"GStreamer": {mayLose(gstRTSP("one", "udp-mcast", "h264")), mayLose(gstRTSP("another", "udp-mcast", "h264"))},
	} {
		t.Run(name, func(t *testing.T) {
			need(t, readers[0].client)
			source := getClip(t, "h264", 3)
			s := serve(t, media.Config{}, nil)
			ctx, cancel := context.WithTimeout(t.Context(), 50*time.Second)
			defer cancel()
			p := background(ctx, t, rtspPublish("tcp")(source.file, s.rtspURL())...)
			s.awaitFrom(ctx, t, p)
			results := readAll(ctx, t, s, readers)
			require.NoError(t, p.wait())
			for _, r := range results {
				t.Run(r.name, func(t *testing.T) { r.checkMost(ctx, t, source) })
			}
		})
	}
}
