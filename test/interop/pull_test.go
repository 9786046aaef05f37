package interop

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sluice-media/sluice/media"
	"github.com/sluice-media/sluice/web"
)

// What is pulled from a server by HTTP and WebSocket is what was published there, from the first picture that comes to the last: from
// another of ours, and HLS that ffmpeg has made.
func TestPulls(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	source := getClip(t, "h264", 3)
	origin, edge := serve(t, media.Config{}, nil), serve(t, media.Config{}, nil)
	published := background(ctx, t, ffmpegPublish(source.file, origin.rtmpURL())...)
	origin.await(ctx, t)
	files := t.TempDir()
	others := httptest.NewServer(http.FileServer(http.Dir(files)))
	defer others.Close()
	made := map[string]*process{}
	for name, options := range map[string][]string{
		"ts": nil, "fmp4": {"-hls_segment_type", "fmp4", "-hls_fmp4_init_filename", "fmp4-init.mp4"},
	} {
		args := []string{"ffmpeg", "-v", "error", "-re", "-i", source.file, "-c", "copy", "-f", "hls", "-hls_time", "2", "-hls_list_size", "6"}
		made[name] = background(ctx, t, append(append(args, options...), filepath.Join(files, name+".m3u8"))...)
	}
	results := map[string]chan *result{}
	for name, from := range map[string]string{
		"ts": origin.tsURL(), "ws": origin.wsURL(), "hls": origin.hlsURL(), "hls4": origin.hls4URL(),
		"ffmpeg-ts": others.URL + "/ts.m3u8", "ffmpeg-fmp4": others.URL + "/fmp4.m3u8",
	} {
		done := make(chan *result, 1)
		results[name] = done
		go func() { done <- pullAndRead(ctx, t, edge, name, from) }()
	}
	require.NoError(t, published.wait())
	for _, p := range made {
		require.NoError(t, p.wait())
	}
	for name, done := range results {
		r := <-done
		t.Run(name, func(t *testing.T) { r.check(ctx, t, source) })
	}
}

// pullAndRead pulls a stream to a server, where an ffmpeg reads it. A playlist may not be there yet.
func pullAndRead(ctx context.Context, t *testing.T, s *server, name, from string) *result {
	key := media.StreamKey{App: "live", Name: name}
	here := *s
	here.path = "/live/" + name
	reads := copier("ffmpeg", "out.ts", (*server).tsURL, "ffmpeg")
	r := &result{reader: reads, path: filepath.Join(t.TempDir(), reads.file)}
	read := make(chan error, 1)
	playing := func(*media.Session) {
		go func() { read <- reads.read(ctx, &here, r.path) }()
	}
	for began := false; ; {
		err := web.Pull(ctx, s.media, from, key, web.ClientConfig{OnPlaying: func(x *media.Session) {
			began = true
			playing(x)
		}})
		switch {
		case began && err == io.EOF: //nolint:errorlint // as documented
			r.err = <-read
			return r
		case began || ctx.Err() != nil:
			r.err = err
			return r
		}
		time.Sleep(100 * time.Millisecond)
	}
}
