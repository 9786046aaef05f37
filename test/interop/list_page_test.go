package interop

import (
	"context"
	"encoding/json"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// listed is what was seen of the page beside its player.
type listed struct {
	Guest struct {
		Asked []string
		Shown int
	}
	Pictures struct {
		Colors, Jump, Sound int
		Again               float64 // ms until the same picture was asked for again
		OfSound             int
	}
	Pulls struct {
		Suggested, Taken, Unknown, Refused, Added, Kept string
		FailedRows                                      int
		Rows                                            []string
		Canary                                          bool
		Removed                                         struct {
			Kept      int
			Questions []string
		}
	}
	Viewers string
	Log     []string
}

// Who has logged in sees pictures of the streams without being a viewer, and adds, watches and removes pulls; nobody else sees of that, and
// the page asks for nothing of it.
func TestChromiumListsAndPulls(t *testing.T) {
	t.Parallel()
	needBrowser(t)
	need(t, "ffmpeg", "curl")
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	c := demonstrateTo(ctx, t, "sesame")
	background(ctx, t, "ffmpeg", "-v", "error", "-re", "-f", "lavfi", "-i", "sine=frequency=440:sample_rate=48000",
		"-c:a", "aac", "-f", "rtsp", "-rtsp_transport", "tcp", c.rtsp+"sound")
	c.await(ctx, t, "sound")
	require.Contains(t, c.ask(ctx, "index/api/setServerConfig?http.publicStreams=1"), `"changed": 1`)
	saw := c.watchList(t.Context(), t)

	require.Empty(t, saw.Log, "the console has errors")
	require.ElementsMatch(t, []string{"streams.json", "server.json"}, saw.Guest.Asked)
	require.Zero(t, saw.Guest.Shown)
	require.Greater(t, saw.Pictures.Colors, 4, "the test picture has bars of all colors")
	require.Zero(t, saw.Pictures.Jump, "the list has moved")
	require.Zero(t, saw.Pictures.Sound+saw.Pictures.OfSound)
	require.Greater(t, saw.Pictures.Again, 8000.0) // ms between two requests as the server sees them: the first may be late
	require.Contains(t, saw.Viewers, " 0 viewers")

	p := &saw.Pulls
	require.Equal(t, "demo", p.Suggested)
	require.Equal(t, "There is a stream or a pull of that name.", p.Taken)
	require.Equal(t, "That is no URL of RTSP, RTMP or HTTP.", p.Unknown)
	require.Equal(t, "Nothing answers at its address.", p.Refused)
	require.Zero(t, p.FailedRows, "what has failed at once is not kept")
	require.Empty(t, p.Added+p.Kept)
	require.Len(t, p.Rows, 2)
	require.Regexp(t, `^live/copy Remove Playing since \d\d:\d\d:\d\d\. rtsp://xxxxx@127\.0\.0\.1:\d+/live/demo$`, p.Rows[0])
	require.Regexp(t, `^live/later Remove (Trying|Connecting) again.* Tried again (once|\d+ times) so far\. rtmp://127\.0\.0\.1:1/live/x$`, p.Rows[1])
	require.False(t, p.Canary, "the page shows a password")
	require.Equal(t, 1, p.Removed.Kept, "it was removed without a yes")
	require.Equal(t, []string{
		"Remove the pull of live/copy? Who watches it is cut off.", "Remove the pull of live/copy? Who watches it is cut off.",
	}, p.Removed.Questions)
}

// watchList does on the page what can be done beside playing. It has patience of its own, since it may have to wait for another's Chromium.
func (c complete) watchList(ctx context.Context, t *testing.T) (saw listed) {
	t.Helper()
	oneChromium.Lock()
	defer oneChromium.Unlock()
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	browser, err := exec.LookPath("chromium")
	require.NoError(t, err)
	out, err := stdout(ctx, "node", filepath.Join(npmFolder, "list.mjs"), c.page, c.secret, c.rtsp+"demo", browser)
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal([]byte(out), &saw), out)
	return saw
}
