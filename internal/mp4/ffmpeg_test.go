package mp4

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sluice-media/sluice/media"
)

// tool runs ffmpeg or ffprobe, which must have nothing to warn of, and returns its output. The test is skipped where it is
// missing or has no such encoder; with CI=true it fails.
func tool(t testing.TB, program string, args ...string) []byte {
	t.Helper()
	missing := func(why string) {
		if os.Getenv("CI") == "true" {
			t.Fatal(why)
		}
		t.Skip(why)
	}
	path, err := exec.LookPath(program)
	if err != nil {
		missing(program + " is not installed")
	}
	cmd := exec.CommandContext(t.Context(), path, append([]string{"-v", "warning"}, args...)...)
	var complaints bytes.Buffer
	cmd.Stderr = &complaints
	out, err := cmd.Output()
	if strings.Contains(complaints.String(), "Unknown encoder") {
		missing(complaints.String())
	}
	require.NoError(t, err, "%v: %s", args, complaints.String())
	if program == "ffprobe" {
		require.Empty(t, complaints.String(), "%v", args)
	}
	return out
}

// probed is a packet as ffprobe sees it.
type probed struct {
	stream   int
	pts, dts time.Duration
	size     int
	key      bool
}

// probe has ffprobe list the packets of a file, those of each stream by themselves, and those without data left out.
func probe(t testing.TB, path string) map[int][]probed {
	t.Helper()
	var list struct {
		Packets []struct {
			Stream int    `json:"stream_index"`
			PTS    int64  `json:"pts"`
			DTS    int64  `json:"dts"`
			Size   string `json:"size"`
			Flags  string `json:"flags"`
		}
		Streams []struct {
			Index int    `json:"index"`
			Base  string `json:"time_base"`
		}
	}
	out := tool(t, "ffprobe", "-show_entries", "packet=stream_index,pts,dts,size,flags:stream=index,time_base", "-of", "json", path)
	require.NoError(t, json.Unmarshal(out, &list))
	scale := map[int]uint32{}
	for _, s := range list.Streams {
		n, err := strconv.Atoi(strings.TrimPrefix(s.Base, "1/"))
		require.NoError(t, err)
		scale[s.Index] = uint32(n)
	}
	packets := map[int][]probed{}
	for _, p := range list.Packets {
		size, err := strconv.Atoi(p.Size)
		require.NoError(t, err)
		packets[p.Stream] = append(packets[p.Stream], probed{
			stream: p.Stream, pts: durationOf(p.PTS, scale[p.Stream]), dts: durationOf(p.DTS, scale[p.Stream]),
			size: size, key: strings.HasPrefix(p.Flags, "K"),
		})
	}
	return packets
}

// encode has ffmpeg make a file of pictures and sound, and returns it.
func encode(t testing.TB, name string, options ...string) (path string, data []byte) {
	t.Helper()
	path = filepath.Join(t.TempDir(), name)
	args := []string{"-f", "lavfi", "-i", "testsrc2=size=160x120:rate=25", "-f", "lavfi", "-i", "sine=sample_rate=48000", "-t", "3"}
	tool(t, "ffmpeg", append(append(args, options...), path)...)
	data, err := os.ReadFile(path)
	require.NoError(t, err)
	return path, data
}

// readAll reads all packets.
func readAll(t testing.TB, c *Cursor) (list []*media.Packet) {
	t.Helper()
	for {
		p, err := c.ReadPacket()
		if errors.Is(err, io.EOF) {
			return list
		}
		require.NoError(t, err)
		list = append(list, p)
	}
}

// openFile opens a file in memory.
func openFile(t testing.TB, data []byte) *File {
	t.Helper()
	f, err := Open(bytes.NewReader(data), int64(len(data)))
	require.NoError(t, err)
	return f
}

// byTrack sorts packets by the index of their track.
func byTrack(list []*media.Packet) map[int][]*media.Packet {
	out := map[int][]*media.Packet{}
	for _, p := range list {
		out[p.Track.ID-1] = append(out[p.Track.ID-1], p)
	}
	return out
}

// sameAsProbed compares packets with those of ffprobe, but for one shift of all.
func sameAsProbed(t testing.TB, want map[int][]probed, list []*media.Packet) {
	t.Helper()
	got := byTrack(list)
	require.Len(t, got, len(want))
	shift, first := time.Duration(1<<62), time.Duration(1<<62)
	for i := range want {
		shift, first = min(shift, want[i][0].dts), min(first, got[i][0].DTS)
	}
	shift = first - shift
	video := map[int]bool{}
	for i := range want {
		require.Len(t, got[i], len(want[i]), "stream %d", i)
		video[i] = got[i][0].Track.Codec.Video()
		for j, p := range got[i] {
			w := want[i][j]
			require.InDelta(t, w.dts+shift, p.DTS, 2, "stream %d, packet %d", i, j)
			require.InDelta(t, w.pts+shift, p.PTS, 2, "stream %d, packet %d", i, j)
			require.Equal(t, w.size, len(p.Data), "stream %d, packet %d", i, j)
			require.Equal(t, w.key && video[i], p.Key, "stream %d, packet %d", i, j)
			require.GreaterOrEqual(t, p.PTS, p.DTS)
			require.GreaterOrEqual(t, p.DTS, time.Duration(0))
		}
	}
	for i := 1; i < len(list); i++ {
		require.GreaterOrEqual(t, list[i].DTS, list[i-1].DTS)
	}
}

// What ffmpeg writes is read as ffprobe reads it.
func TestFFmpegFiles(t *testing.T) {
	const h264, aac = "-c:v libx264 -preset ultrafast -bf 2 -g 25 ", "-c:a aac "
	for name, c := range map[string]struct {
		file, options string
		fragmented    bool
	}{
		"moov last":             {"a.mp4", h264 + aac, false},
		"moov first":            {"a.mp4", h264 + aac + "-movflags +faststart", false},
		"fragments":             {"a.mp4", h264 + aac + "-movflags frag_keyframe+empty_moov", true},
		"fragments behind moov": {"a.mp4", h264 + aac + "-movflags frag_keyframe", true},
		"fragments of pictures": {"a.mp4", h264 + aac + "-movflags frag_every_frame+empty_moov", true},
		"delayed moov":          {"a.mp4", h264 + aac + "-movflags frag_keyframe+delay_moov", true},
		"default base":          {"a.mp4", h264 + aac + "-movflags +frag_keyframe+empty_moov+default_base_moof", true},
		"omitted tfhd offset":   {"a.mp4", h264 + aac + "-movflags +frag_keyframe+empty_moov+omit_tfhd_offset", true},
		"CMAF":                  {"a.mp4", h264 + "-an -movflags +cmaf", true},
		"DASH":                  {"a.mp4", h264 + aac + "-movflags +dash+separate_moof+frag_keyframe", true},
		"negative offsets":      {"a.mp4", h264 + aac + "-movflags +negative_cts_offsets", false},
		"negative, fragments":   {"a.mp4", h264 + aac + "-movflags +negative_cts_offsets+frag_keyframe+empty_moov", true},
		"no edit list":          {"a.mp4", h264 + aac + "-use_editlist 0", false},
		"H.265":                 {"a.mp4", "-c:v libx265 -preset ultrafast -x265-params log-level=none -g 25 -an", false},
		"H.265 as hvc1":         {"a.mov", "-c:v libx265 -preset ultrafast -x265-params log-level=none -tag:v hvc1 -an", false},
		"AV1":                   {"a.mp4", "-c:v libaom-av1 -usage realtime -cpu-used 8 -g 25 -an", false},
		"VP9":                   {"a.mp4", "-c:v libvpx-vp9 -deadline realtime -cpu-used 8 -g 25 -an", false},
		"Opus":                  {"a.mp4", "-c:a libopus -vn", false},
		"Opus and H.264":        {"a.mp4", h264 + "-c:a libopus -movflags frag_keyframe+empty_moov", true},
		"MP3":                   {"a.mp4", "-c:a libmp3lame -vn", false},
		"MP3 in QuickTime":      {"a.mov", h264 + "-c:a libmp3lame", false},
		"AAC in QuickTime":      {"a.mov", h264 + aac, false},
		"96 kHz in QuickTime":   {"a.mov", aac + "-ar 96000 -vn", false},
		"A-law in QuickTime":    {"a.mov", h264 + "-c:a pcm_alaw -ar 8000", false},
		"µ-law, two channels":   {"a.mov", h264 + "-c:a pcm_mulaw -ar 8000 -ac 2", false},
		"A-law in fragments":    {"a.mov", h264 + "-c:a pcm_alaw -ar 8000 -movflags frag_keyframe+empty_moov", true},
		"variable rate":         {"a.mp4", h264 + "-vf select='not(mod(n\\,3))+not(mod(n\\,7))' -vsync vfr -an", false},
		"begins late":           {"a.mp4", h264 + aac + "-output_ts_offset 5", false},
		"timescale":             {"a.mp4", h264 + aac + "-video_track_timescale 1000 -movie_timescale 600", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path, data := encode(t, c.file, strings.Fields(c.options)...)
			f := openFile(t, data)
			require.Equal(t, c.fragmented, f.Fragmented())
			want := probe(t, path)
			if name == "negative, fragments" {
				// ffprobe shows pictures later by their largest offset below 0, and not sound: that is apart in it.
				delete(want, 1)
				sameAsProbed(t, want, byTrack(readAll(t, f.Cursor()))[0])
			} else {
				sameAsProbed(t, want, readAll(t, f.Cursor()))
			}
			require.InDelta(t, 3*time.Second, f.Duration()-begins(name), float64(200*time.Millisecond))
			for _, track := range f.Tracks() {
				if track.Codec.Video() {
					require.Equal(t, []int{160, 120}, []int{track.Width, track.Height})
					if name != "variable rate" {
						require.InDelta(t, 25, track.FPS, 0.01)
					}
				}
			}
		})
	}
}

// begins is when the files of TestFFmpegFiles begin.
func begins(name string) time.Duration {
	if name == "begins late" {
		return 5 * time.Second
	}
	return 0
}
