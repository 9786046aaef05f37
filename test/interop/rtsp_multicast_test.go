package interop

import (
	"context"
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sluice-media/sluice/media"
	"github.com/sluice-media/sluice/rtsp"
)

// inNamespace is set for the test that runs in a network of its own.
const inNamespace = "SLUICE_INTEROP_NETNS"

// Players share a multicast group, and one is pulled. The test runs itself in a network namespace, whose loopback can do multicast and
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
	if _, err := run(ctx, "unshare", "-n", "sh", "-c", network+" && ip link add near type veth peer name far"); err != nil {
		missing(t, "no network namespace: "+err.Error())
	}
	self, err := os.Executable()
	require.NoError(t, err)
	text, err := run(ctx, "env", inNamespace+"=yes", "unshare", "-n", "sh", "-c", network+` && exec "$0" "$@"`,
		self, "-test.v", "-test.run=^TestRTSPMulticast$", "-test.timeout=3m")
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
	t.Run("pull", pullMulticast)
}

// pullMulticast pulls from a group that a server of GStreamer's sends to.
func pullMulticast(t *testing.T) {
	source := getClip(t, "h264", 3)
	s := serve(t, endsAtOnce(), nil)
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Second)
	defer cancel()
	pulled := pullFromGst(ctx, t, s, source.file, gstServer{login: "digest", far: true}, rtsp.ClientConfig{Transport: rtsp.Multicast, IdleTimeout: 5 * time.Second})
	r := readAll(ctx, t, s, []reader{mayLose(rtspCopier("ffmpeg RTSP TCP", "tcp"))})[0]
	t.Logf("the pull ended with %v", <-pulled)
	require.NoError(t, ctx.Err())
	r.checkMost(ctx, t, source)
}

// farAddress is that of the other end of the link that reach makes.
const farAddress = "10.9.9.2"

// farAway is in front of a command that runs in a network of its own, behind that link. A line says that it is there.
var farAway = []string{
	"unshare", "-n", "sh", "-c", "echo && until ip link set far up 2>/dev/null; do sleep .05; done && ip addr add " + farAddress +
		`/24 dev far && ip route add 239.0.0.0/8 dev far && exec "$0" "$@"`,
}

// reach makes a link to the network of a process.
func reach(ctx context.Context, t *testing.T, p *process) {
	t.Helper()
	_, _ = run(ctx, "ip", "link", "delete", "near") // of one before
	for _, args := range [][]string{
		{"link", "add", "near", "type", "veth", "peer", "name", "far", "netns", strconv.Itoa(p.cmd.Process.Pid)},
		{"addr", "add", "10.9.9.1/24", "dev", "near"},
		{"link", "set", "near", "up"},
	} {
		_, err := run(ctx, append([]string{"ip"}, args...)...)
		require.NoError(t, err)
	}
}
