package mpegps

import (
	"bytes"
	"crypto/md5"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sluice-media/sluice/internal/elementary"
	"github.com/sluice-media/sluice/internal/h26x"
	"github.com/sluice-media/sluice/internal/testmedia"
	"github.com/sluice-media/sluice/internal/testmedia/reel"
	"github.com/sluice-media/sluice/media"
)

// onlyTrack returns the track of a kind, and its packets.
func onlyTrack(packets []*media.Packet, video bool) ([]*media.Track, []*media.Packet) {
	list := onlyOf(packets, video)
	return []*media.Track{list[0].Track}, list
}

// byteStream is a picture as the muxer writes it.
func byteStream(p *media.Packet) []byte {
	b := []byte{0, 0, 0, 1, h26x.AVCDelimiter, 0xf0}
	if p.Track.Codec == media.H265 {
		b = []byte{0, 0, 0, 1, h26x.HEVCDelimiter << 1, 1, 0x50}
	}
	if elementary.NeedsSets(p) {
		b = append(b, elementary.ParameterSets(p.Track)...)
	}
	for unit := range h26x.Units(p.Data) {
		if !elementary.IsDelimiter(p.Track.Codec, unit) {
			b = append(append(b, 0, 0, 0, 1), unit...)
		}
	}
	return b
}

func hashes(packets []*media.Packet, of func(*media.Packet) []byte) (list []string) {
	for _, p := range packets {
		list = append(list, fmt.Sprintf("%x", md5.Sum(of(p))))
	}
	return list
}

func TestFFmpegDecodes(t *testing.T) {
	for name, flv := range map[string][]byte{"H264": testmedia.H264(), "B-frames": testmedia.H264B()} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tracks, packets := reel.Load(t, flv)
			ps := mux(t, tracks, packets)
			for _, what := range []string{reel.Pictures, reel.Sound} {
				require.Equal(t, reel.Hashes(t, "a.flv", what, flv), reel.Hashes(t, "a.mpg", what, ps, "-f", "mpeg"))
			}
			track, pictures := onlyTrack(packets, true)
			require.Equal(t, hashes(pictures, byteStream), reel.PacketHashes(t, "a.mpg", mux(t, track, pictures)))
		})
	}
}

// ffmpeg finds AAC, as it was behind its headers.
func TestFFmpegFindsAAC(t *testing.T) {
	_, packets := reel.Load(t, testmedia.H264())
	track, sound := onlyTrack(packets, false)
	aac, ok := elementary.ParseADTS(track[0].Config)
	require.True(t, ok)
	want := hashes(sound, func(p *media.Packet) []byte { return append(aac.Append(nil, len(p.Data)), p.Data...) })
	require.Equal(t, want, reel.PacketHashes(t, "a.mpg", mux(t, track, sound)))
}

func TestFFmpegDecodesH265(t *testing.T) {
	raw := testmedia.H265()
	got := demux(t, byFFmpeg(t, "a.h265", raw, "-bsf:v", "setts=ts=N*3600:time_base=1/90000"), 7)
	require.Equal(t, media.H265, got.tracks[0].Codec)
	require.NotZero(t, got.tracks[0].Width)
	ps := mux(t, got.tracks, got.packets)
	require.Equal(t, reel.Hashes(t, "a.h265", reel.Pictures, raw), reel.Hashes(t, "a.mpg", reel.Pictures, ps))
	var want []byte
	for _, p := range got.packets {
		want = append(want, byteStream(p)...)
	}
	require.True(t, bytes.Equal(want, ffmpeg(t, "a.mpg", ps, "b.h265")), "another finds its units elsewhere, but none is missing")
}

func TestFFmpegFindsMP3(t *testing.T) {
	for _, options := range []string{"", "-ar 22050"} {
		clip := reel.Encode(t, media.MP3, strings.Fields(options)...)
		want := hashes(clip.Packets, func(p *media.Packet) []byte { return p.Data })
		require.Equal(t, want, reel.PacketHashes(t, "a.mpg", mux(t, []*media.Track{clip.Track}, clip.Packets)), options)
	}
}

// byFFmpeg has ffmpeg copy a file into a program stream.
func byFFmpeg(t *testing.T, name string, data []byte, options ...string) []byte {
	t.Helper()
	return ffmpeg(t, name, data, "out.vob", append([]string{"-f", "vob"}, options...)...)
}

// ffmpeg has ffmpeg copy a file into another one.
func ffmpeg(t *testing.T, name string, data []byte, into string, options ...string) []byte {
	t.Helper()
	in, out := filepath.Join(t.TempDir(), name), filepath.Join(t.TempDir(), into)
	require.NoError(t, os.WriteFile(in, data, 0o600))
	path, err := exec.LookPath("ffmpeg")
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal("ffmpeg is not installed")
		}
		t.Skip("ffmpeg is not installed")
	}
	args := append([]string{"-v", "error", "-i", in, "-c", "copy"}, options...)
	text, err := exec.CommandContext(t.Context(), path, append(args, out)...).CombinedOutput()
	require.NoError(t, err, "%s", text)
	ps, err := os.ReadFile(out)
	require.NoError(t, err)
	return ps
}

// ffmpeg writes no map, packs of 2 KiB, and the beginnings of frames wherever there is room. It does not take AAC.
func TestTakesFFmpegs(t *testing.T) {
	for name, flv := range map[string][]byte{"H264": testmedia.H264(), "B-frames": testmedia.H264B()} {
		for form, options := range map[string][]string{
			"as it is": nil, "wrapping": {"-output_ts_offset", "95440"}, "large packs": {"-packetsize", "60000"}, "MPEG-1": {"-f", "mpeg"},
		} {
			t.Run(name+", "+form, func(t *testing.T) {
				t.Parallel()
				_, packets := reel.Load(t, flv)
				ps := byFFmpeg(t, "a.flv", flv, append([]string{"-an", "-bsf:v", "h264_mp4toannexb"}, options...)...)
				require.True(t, Begins(ps))
				pictures := onlyOf(packets, true)
				if name == "H264" {
					samePackets(t, pictures, demux(t, ps, 3).packets)
					return
				}
				// Of several in a PES packet only the first has stamps, so that it is not known when the others are shown.
				c := &collected{}
				d := NewDemuxer(c, func(err error) { require.ErrorIs(t, err, elementary.ErrBadData) })
				_, err := d.Write(ps)
				require.NoError(t, err)
				require.NoError(t, d.Close())
				for i, p := range c.packets {
					pictures[i].PTS = p.PTS + pictures[0].DTS - c.packets[0].DTS
				}
				samePackets(t, pictures, c.packets)
			})
		}
	}
	clip := reel.Encode(t, media.MP3)
	samePackets(t, clip.Packets, demux(t, byFFmpeg(t, clip.Name, clip.Data), 4).packets)
}

// What is made of ffmpeg's pictures and sound, of which no map tells, is the same to ffmpeg once more.
func TestThereAndBack(t *testing.T) {
	ps := byFFmpeg(t, "a.flv", testmedia.H264(), "-bsf:v", "h264_mp4toannexb", "-c:a", "libmp3lame")
	got := demux(t, ps, 9)
	require.Len(t, got.tracks, 2)
	again := mux(t, got.tracks, got.packets)
	for _, what := range []string{reel.Pictures, reel.Sound} {
		require.Equal(t, reel.Hashes(t, "a.mpg", what, ps), reel.Hashes(t, "b.mpg", what, again))
	}
}
