package interop

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// complete is the complete server with its page, run as a program.
type complete struct {
	page, rtmp, rtsp string // URLs, each with a slash at the end
	secret           string // empty if programs on this machine need none
}

// demonstrate runs the complete server with its demonstration until the test ends.
func demonstrate(ctx context.Context, t *testing.T) complete { return demonstrateTo(ctx, t, "") }

// demonstrateTo does that for who knows a secret.
func demonstrateTo(ctx context.Context, t *testing.T, secret string) complete {
	t.Helper()
	dir := t.TempDir()
	bin := filepath.Join(dir, "mediaserver")
	_, err := run(ctx, "go", "build", "-o", bin, "github.com/sluice-media/sluice/examples/mediaserver")
	require.NoError(t, err)
	http, rtmp, rtsp, config := freePort(t), freePort(t), freePort(t), filepath.Join(dir, "config.ini")
	ini := fmt.Sprintf("[http]\nport=%d\nrootPath=%s\n[rtmp]\nport=%d\n[rtsp]\nport=%d\n[shell]\nport=0\n[rtp_proxy]\nport=0\n"+
		"[protocol]\nenable_hls_fmp4=1\nmp4_save_path=%s\n", http, dir, rtmp, rtsp, dir)
	if secret != "" {
		ini += "[api]\nsecret=" + secret + "\ntrustLoopback=0\n"
	}
	require.NoError(t, os.WriteFile(config, []byte(ini), 0o600))
	background(ctx, t, bin, "-c", config, "-demo")
	c := complete{
		page: fmt.Sprintf("http://127.0.0.1:%d/", http), secret: secret,
		rtmp: fmt.Sprintf("rtmp://127.0.0.1:%d/live/", rtmp), rtsp: fmt.Sprintf("rtsp://127.0.0.1:%d/live/", rtsp),
	}
	awaitPage(ctx, t, c.page)
	return c
}

// publish publishes what ffmpeg makes of its test sources by RTSP, in real time, until the test ends.
func (c complete) publish(ctx context.Context, t *testing.T, name string, codecs ...string) {
	t.Helper()
	args := append([]string{
		"ffmpeg", "-v", "error", "-re", "-f", "lavfi", "-i", "testsrc2=size=320x240:rate=" + strconv.Itoa(pictureRate),
		"-re", "-f", "lavfi", "-i", "sine=frequency=440:sample_rate=48000", "-pix_fmt", "yuv420p",
	}, codecs...)
	background(ctx, t, append(args, "-f", "rtsp", "-rtsp_transport", "tcp", c.rtsp+name)...)
	c.await(ctx, t, name)
}

// await waits until the page lists a stream with its tracks.
func (c complete) await(ctx context.Context, t *testing.T, name string) {
	t.Helper()
	require.Eventually(t, func() bool {
		var list []struct {
			Stream string
			Tracks []struct{ MIME string }
		}
		if json.Unmarshal([]byte(c.ask(ctx, "streams.json")), &list) != nil {
			return false
		}
		for _, s := range list {
			if s.Stream == name && len(s.Tracks) > 0 {
				return s.Tracks[0].MIME != ""
			}
		}
		return false
	}, 20*time.Second, 100*time.Millisecond, name)
}

// ask returns what the server answers to who knows its secret; nothing if it does not.
func (c complete) ask(ctx context.Context, path string) string {
	args := []string{"curl", "-s", c.page + path}
	if c.secret != "" {
		args = append(args, "-H", "secret: "+c.secret)
	}
	out, err := stdout(ctx, args...)
	if err != nil {
		return ""
	}
	return out
}

// play is the URL of the page that plays a stream.
func (c complete) play(name, proto string) string {
	return c.page + "?play=live/" + name + "&proto=" + proto
}

// sighting is what was seen of a page.
type sighting struct {
	Samples []struct {
		Time     float64
		Pictures int
		Width    int
		Error    string
		State    string
		Latency  float64 // seconds behind the live edge, where the player knows
	}
	Log   []string
	Asked []string // what a page that plays nothing has asked for afterwards
}

// oneChromium lets them play one after the other: decoding for all at once is too much for two cores.
var oneChromium sync.Mutex

// watch lets one Chromium play the videos of pages for some seconds of each. It has patience of its own, since it may have to wait
// for another's end.
func watch(ctx context.Context, t *testing.T, seconds int, pages ...string) []sighting {
	t.Helper()
	oneChromium.Lock()
	defer oneChromium.Unlock()
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	browser, err := exec.LookPath("chromium")
	require.NoError(t, err)
	args := append([]string{"node", filepath.Join(npmFolder, "play.mjs"), strconv.Itoa(seconds), browser}, pages...)
	out, err := stdout(ctx, args...)
	require.NoError(t, err)
	var saw []sighting
	require.NoError(t, json.Unmarshal([]byte(out), &saw), out)
	require.Len(t, saw, len(pages))
	return saw
}

// requirePlayed checks that a page played for so many seconds.
func (s sighting) requirePlayed(t *testing.T, seconds int) {
	t.Helper()
	s.requireQuiet(t)
	first, last := s.Samples[0], s.Samples[len(s.Samples)-1]
	require.Empty(t, last.Error)
	require.GreaterOrEqual(t, last.Time-first.Time, float64(seconds))
	// A busy machine may drop pictures; but time without pictures would be no playing.
	require.Greater(t, last.Pictures-first.Pictures, seconds*pictureRate/8)
	require.Positive(t, last.Width)
	t.Logf("played %.1f s, %d pictures; %s", last.Time-first.Time, last.Pictures-first.Pictures, last.State)
}

// requireQuiet checks that nothing went wrong that the console tells of.
func (s sighting) requireQuiet(t *testing.T) {
	t.Helper()
	require.Empty(t, s.Log, "the console has errors")
}

// latency returns how far behind the live edge a page was in the middle, of the second half of the time.
func (s sighting) latency() (median float64) {
	var all []float64
	for _, x := range s.Samples[len(s.Samples)/2:] {
		all = append(all, x.Latency)
	}
	slices.Sort(all)
	return all[len(all)/2]
}
