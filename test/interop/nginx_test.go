package interop

import (
	"context"
	"errors"
	"maps"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sluice-media/sluice/media"
	"github.com/sluice-media/sluice/web"
)

// nginxModule is that of RTMP, where Debian puts it.
const nginxModule = "/usr/lib/nginx/modules/ngx_rtmp_module.so"

// nginxConf is an nginx in one process, with its module of RTMP as it is when nobody sets anything, but in an app of its own: there players
// begin with a key frame, are told when the publisher comes and goes, and get chunks of 128 bytes. What is published to live is recorded,
// played again, made HLS of, which is elsewhere and asks for a password, and pushed there and to another server.
const nginxConf = `
load_module MODULE;
daemon off;
master_process off;
error_log stderr;
pid DIR/pid;
events { worker_connections 64; }
rtmp {
	access_log off;
	server {
		listen 127.0.0.1:RTMP;
		application recorded {
			play DIR;
		}
		application live {
			live on;
			record all;
			record_path DIR;
			record_suffix .flv;
			hls on;
			hls_path DIR/hls;
			hls_fragment 2s;
			hls_playlist_length 12s;
			push rtmp://127.0.0.1:STRICT/strict/test;
			push rtmp://OTHER/nginx/test;
		}
	}
	server {
		listen 127.0.0.1:STRICT;
		chunk_size 128;
		application strict {
			live on;
			wait_key on;
			wait_video on;
			interleave on;
			publish_notify on;
			idle_streams off;
		}
	}
}
http {
	access_log off;
	client_body_temp_path DIR/body;
	proxy_temp_path DIR/proxy;
	fastcgi_temp_path DIR/fastcgi;
	uwsgi_temp_path DIR/uwsgi;
	scgi_temp_path DIR/scgi;
	types { application/vnd.apple.mpegurl m3u8; video/mp2t ts; }
	server {
		listen 127.0.0.1:HTTP;
		root DIR/hls;
		auth_basic interop;
		auth_basic_user_file DIR/users;
		location = /moved.m3u8 { return 302 /test.m3u8; }
		location /recorded/ { alias DIR/; }
	}
}
`

// nginx is one with the module of RTMP.
type nginx struct {
	rtmp, strict, http string // addresses
	dir                string // with its recordings
}

// startNginx starts one that pushes to another server, and ends with the test.
func startNginx(ctx context.Context, t *testing.T, other string) nginx {
	t.Helper()
	need(t, "nginx")
	if _, err := os.Stat(nginxModule); err != nil {
		missing(t, "nginx has no module of RTMP: apt-get install libnginx-mod-rtmp, or scripts/clients.sh")
	}
	n := nginx{dir: publicFolder(t)} // its worker is somebody else
	ports := []string{"RTMP", "STRICT", "HTTP"}
	words := []string{"MODULE", nginxModule, "DIR", n.dir, "OTHER", other}
	for i, address := range []*string{&n.rtmp, &n.strict, &n.http} {
		port := strconv.Itoa(freePort(t))
		*address = net.JoinHostPort("127.0.0.1", port)
		words = append(words, ":"+ports[i], ":"+port)
	}
	conf := filepath.Join(n.dir, "nginx.conf")
	require.NoError(t, os.WriteFile(conf, []byte(strings.NewReplacer(words...).Replace(nginxConf)), 0o600))
	require.NoError(t, os.WriteFile(filepath.Join(n.dir, "users"), []byte(user+":{PLAIN}"+password+"\n"), 0o644))
	p := background(ctx, t, "nginx", "-p", n.dir, "-c", conf)
	awaitPort(ctx, t, p, n.http)
	return n
}

// page is the URL of a file, with the password.
func (n nginx) page(path string) string {
	return (&url.URL{Scheme: "http", User: url.UserPassword(user, password), Host: n.http, Path: path}).String()
}

// What is pushed to nginx is what it records, what it pushes itself, and what is pulled from there.
func TestNginx(t *testing.T) {
	t.Parallel()
	source := getClip(t, "h264", 3)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	origin, edge := serve(t, media.Config{}, nil), serve(t, endsAtOnce(), nil)
	n := startNginx(ctx, t, edge.rtmp)
	pushed := make(chan *result, 1)
	go func() { pushed <- readBack(ctx, t, edge, "/nginx/test") }()
	pulled := pullAll(ctx, t, edge, map[string]puller{
		"RTMP": rtmpPull("rtmp://" + n.rtmp + streamPath), "strict RTMP": rtmpPull("rtmp://" + n.strict + "/strict/test"),
		"HLS": webPull(n.page("/moved.m3u8")),
	})
	origin.pushClip(ctx, t, source, rtmpPush("rtmp://"+n.rtmp+streamPath))
	status, ok := errors.AsType[*web.StatusError](web.Pull(ctx, edge.media, "http://"+n.http+"/moved.m3u8", testKey(), web.ClientConfig{}))
	require.True(t, ok)
	require.Equal(t, 401, status.Code)
	recording := filepath.Join(n.dir, "test.flv")
	settle(ctx, t, recording)
	maps.Copy(pulled, pullAll(ctx, t, edge, map[string]puller{ // which come as fast as they can
		"recording by RTMP": rtmpPull("rtmp://" + n.rtmp + "/recorded/test.flv"), "recording by HTTP": webPull(n.page("/recorded/test.flv")),
	}))
	for name, done := range pulled {
		r := <-done
		t.Run(name, func(t *testing.T) {
			t.Logf("the pull ended with %v", r.ended)
			r.check(ctx, t, source)
			// It leaves off the newest sound of HLS when the publisher goes.
			require.True(t, r.full || name == "HLS", "the last of the sound is missing")
		})
	}
	t.Run("its push", func(t *testing.T) { (<-pushed).checkMost(ctx, t, source) })
	t.Run("its recording", func(t *testing.T) {
		r := &result{path: recording}
		require.Zero(t, r.check(ctx, t, source), "the first pictures are missing")
	})
}
