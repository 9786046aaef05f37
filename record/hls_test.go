package record

import (
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sluice-media/sluice/hook"
	"github.com/sluice-media/sluice/internal/testmedia"
	"github.com/sluice-media/sluice/internal/testmedia/reel"
	"github.com/sluice-media/sluice/media"
)

// A recording by HLS has all pictures, in segments that a playlist of the hour lists; also when it is stopped and goes on.
func TestSegments(t *testing.T) {
	for kind, playlist := range map[Kind]string{HLS: "vod.m3u8", HLSFMP4: "vod.fmp4.m3u8"} {
		t.Run(kind.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				dir := t.TempDir()
				s := newStage(t, Config{}, func(c *media.Config) { c.Options = hook.StreamOptions{HLSSavePath: &dir} })
				tracks, packets := reel.Load(t, testmedia.H264B())
				pub := s.publish(tracks)
				require.NoError(t, s.r.Start(t.Context(), Request{Stream: s.key, Kind: kind}))
				require.True(t, s.r.Recording(s.key, kind))
				write(t, pub, packets, 6*time.Second, 2)
				time.Sleep(100 * time.Millisecond) // what comes until now is recorded
				require.NoError(t, s.r.Stop(t.Context(), s.key, kind))
				require.NoError(t, s.r.Start(t.Context(), Request{Stream: s.key, Kind: kind}))
				var rest []*media.Packet
				for _, p := range packets {
					x := *p
					x.DTS, x.PTS = x.DTS+12*time.Second, x.PTS+12*time.Second
					rest = append(rest, &x)
				}
				write(t, pub, rest, 0, 1)
				pub.Close(nil)
				require.Eventually(t, func() bool { return !s.r.Recording(s.key, kind) }, 10*time.Second, time.Millisecond)

				lists, err := filepath.Glob(filepath.Join(dir, "live/cam/*/*", playlist))
				require.NoError(t, err)
				require.NotEmpty(t, lists)
				pictures, named := 0, 0
				for _, list := range lists {
					text, err := os.ReadFile(list)
					require.NoError(t, err)
					require.True(t, strings.HasSuffix(string(text), endOfList), "%s", text)
					require.Equal(t, 1, strings.Count(string(text), endOfList))
					named += strings.Count(string(text), "#EXTINF")
					out, err := exec.CommandContext(t.Context(), "ffprobe", "-v", "warning", "-count_packets", "-select_streams", "v",
						"-show_entries", "stream=nb_read_packets", "-of", "csv=p=0", list).Output()
					require.NoError(t, err)
					n, err := strconv.Atoi(strings.TrimSpace(strings.Split(string(out), "\n")[0]))
					require.NoError(t, err)
					pictures += n
				}
				// It begins again with the newest key frame that the stream had.
				require.GreaterOrEqual(t, pictures, 3*150)
				require.LessOrEqual(t, pictures, 3*150+50)
				require.Empty(t, hiddenFiles(t, dir))
				told := s.obs.await(t, named)
				for _, ev := range told {
					require.Equal(t, filepath.Join(dir, "live/cam"), ev.Folder)
					require.Equal(t, filepath.Join(ev.Folder, ev.FileName), ev.FilePath)
					require.Equal(t, "live/cam/"+ev.FileName, ev.URL)
					require.FileExists(t, ev.FilePath)
				}
			})
		})
	}
}
