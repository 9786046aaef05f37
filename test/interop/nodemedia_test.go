package interop

import (
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"
)

// nodeMediaConf is a node-media-server that records what is published to it.
const nodeMediaConf = `{
	"bind": "127.0.0.1", "rtmp": {"port": %d}, "http": {"port": %d}, "auth": {}, "webadmin": {"enable": false},
	"store": {"path": "data"}, "record": {"auto": true, "path": "record"}
}`

// nodeMedia is a node-media-server.
type nodeMedia struct {
	rtmp, http string // addresses
	records    string // where its recordings of the stream of the tests are
}

// startNodeMedia starts one that ends with the test.
func startNodeMedia(ctx context.Context, t *testing.T) nodeMedia {
	t.Helper()
	need(t, "node")
	needNPM(t, nmsFolder)
	dir, rtmp, http := t.TempDir(), freePort(t), freePort(t)
	conf := filepath.Join(dir, "config.json")
	require.NoError(t, os.WriteFile(conf, fmt.Appendf(nil, nodeMediaConf, rtmp, http), 0o600))
	app := filepath.Join(nmsFolder, "node_modules", "node-media-server", "bin", "app.js")
	p := background(ctx, t, "node", app, "-c", conf)
	at := func(port int) string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(port)) }
	n := nodeMedia{rtmp: at(rtmp), http: at(http), records: filepath.Join(dir, "record", streamPath)}
	awaitPort(ctx, t, p, n.http)
	awaitPort(ctx, t, p, n.rtmp)
	return n
}

// What is pushed to node-media-server is what it records, and what is pulled from there.
func TestNodeMediaServer(t *testing.T) {
	t.Parallel()
	source := getClip(t, "h264", 3)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	n := startNodeMedia(ctx, t)
	origin, edge := serve(t, endsAtOnce(), nil), serve(t, endsAtOnce(), nil)
	pulled := pullAll(ctx, t, edge, map[string]puller{
		"RTMP": rtmpPull("rtmp://" + n.rtmp + streamPath), "HTTP-FLV": webPull("http://" + n.http + streamPath + ".flv"),
		"WebSocket-FLV": webPull("ws://" + n.http + streamPath + ".flv"),
	})
	origin.pushClip(ctx, t, source, rtmpPush("rtmp://"+n.rtmp+streamPath))
	for name, done := range pulled {
		r := <-done
		t.Run(name, func(t *testing.T) {
			t.Logf("the pull ended with %v", r.ended)
			r.check(ctx, t, source)
			require.True(t, r.full, "the last of the sound is missing")
		})
	}
	t.Run("its recording", func(t *testing.T) {
		files, err := filepath.Glob(filepath.Join(n.records, "*.flv"))
		require.NoError(t, err)
		require.Len(t, files, 1)
		r := &result{path: files[0]}
		require.Zero(t, r.check(ctx, t, source), "the first pictures are missing")
	})
}
