package mpegts

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sluice-media/sluice/internal/h26x"
	"github.com/sluice-media/sluice/internal/testmedia"
	"github.com/sluice-media/sluice/internal/testmedia/reel"
	"github.com/sluice-media/sluice/media"
)

// collected is what a demuxer has made.
type collected struct {
	tracks  []*media.Track
	told    int // how often of tracks
	packets []*media.Packet
}

func (c *collected) SetTracks(tracks ...*media.Track) error {
	c.tracks = tracks
	c.told++
	return nil
}

func (c *collected) WritePacket(p *media.Packet) error {
	if !slices.ContainsFunc(c.tracks, func(t *media.Track) bool { return t.ID == p.Track.ID }) {
		return errors.New("a packet of a track that nobody has told of")
	}
	c.packets = append(c.packets, p)
	return nil
}

// of returns the packets of one kind.
func (c *collected) of(video bool) (list []*media.Packet) {
	for _, p := range c.packets {
		if p.Track.Codec.Video() == video {
			list = append(list, p)
		}
	}
	return list
}

// demux takes a transport stream apart, which comes in pieces of any size.
func demux(t testing.TB, ts []byte, seed uint64) *collected {
	t.Helper()
	c := &collected{}
	d := NewDemuxer(c, func(err error) { t.Error(err) })
	random := rand.New(rand.NewPCG(seed, 1))
	for len(ts) > 0 {
		n := min(1+random.IntN(1000), len(ts))
		_, err := d.Write(ts[:n])
		require.NoError(t, err)
		ts = ts[n:]
	}
	require.NoError(t, d.Close())
	return c
}

// samePackets compares packets with those that they were made of, whose stamps may be other ones by one difference.
func samePackets(t *testing.T, want, got []*media.Packet) {
	t.Helper()
	require.Len(t, got, len(want))
	if len(want) == 0 {
		return
	}
	diff := got[0].DTS - want[0].DTS
	for i := range want {
		require.Equal(t, plain(want[i]), plain(got[i]), i)
		require.Equal(t, want[i].Key, got[i].Key, i)
		require.InDelta(t, want[i].DTS+diff, got[i].DTS, float64(time.Millisecond), i)
		require.InDelta(t, want[i].PTS+diff, got[i].PTS, float64(time.Millisecond), i)
	}
}

// plain is what of a packet is to come through: no delimiters, and no parameter sets but in the track.
func plain(p *media.Packet) []byte {
	if p.Track.Codec != media.H264 && p.Track.Codec != media.H265 {
		return p.Data
	}
	var b []byte
	sets := h26x.NewSetList(p.Track)
	for u := range h26x.Units(p.Data) {
		taken, _ := sets.Take(u)
		if !taken && !h26x.Idle(p.Track.Codec, h26x.UnitType(p.Track.Codec, u[0])) {
			b = append(append(b, 0, 0, 1), u...)
		}
	}
	return b
}

func onlyOf(packets []*media.Packet, video bool) []*media.Packet {
	return (&collected{packets: packets}).of(video)
}

// What the muxer makes is taken apart to what it was made of.
func TestRoundTrip(t *testing.T) {
	for name, flv := range map[string][]byte{
		"H264": testmedia.H264(), "B-frames": testmedia.H264B(), "demo": testmedia.Demo(),
	} {
		t.Run(name, func(t *testing.T) {
			tracks, packets := reel.Load(t, flv)
			got := demux(t, mux(t, tracks, packets), 1)
			require.Len(t, got.tracks, len(tracks))
			samePackets(t, onlyOf(packets, true), got.of(true))
			samePackets(t, onlyOf(packets, false), got.of(false))
			for i, want := range tracks {
				require.Equal(t, want.Codec, got.tracks[i].Codec)
				require.Equal(t, want.Width, got.tracks[i].Width)
				require.Equal(t, want.SampleRate, got.tracks[i].SampleRate)
				require.Equal(t, want.Channels, got.tracks[i].Channels)
			}
		})
	}
}

func TestRoundTripOfSound(t *testing.T) {
	for _, codec := range []media.Codec{media.MP3, media.Opus, media.G711A, media.G711U} {
		t.Run(codec.String(), func(t *testing.T) {
			clip := reel.Encode(t, codec)
			got := demux(t, mux(t, []*media.Track{clip.Track}, clip.Packets), 2)
			samePackets(t, clip.Packets, got.packets)
			require.Equal(t, clip.Track.SampleRate, got.tracks[0].SampleRate)
			require.Equal(t, clip.Track.Channels, got.tracks[0].Channels)
		})
	}
}

// byFFmpeg has ffmpeg copy a file into a transport stream.
func byFFmpeg(t *testing.T, name string, data []byte, options ...string) []byte {
	t.Helper()
	in, out := filepath.Join(t.TempDir(), name), filepath.Join(t.TempDir(), "out.ts")
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
	ts, err := os.ReadFile(out)
	require.NoError(t, err)
	return ts
}

// ffmpeg has several frames of sound in a PES packet, and the beginnings of others.
func TestTakesFFmpegs(t *testing.T) {
	for name, flv := range map[string][]byte{"H264": testmedia.H264(), "B-frames": testmedia.H264B()} {
		for form, options := range map[string][]string{
			"as it is": nil, "small PES": {"-pes_payload_size", "0"}, "no offset": {"-muxdelay", "0"}, "headers again": {"-mpegts_flags", "+resend_headers"},
			"wrapping": {"-output_ts_offset", "95440"}, "LATM": {"-mpegts_flags", "+latm"},
		} {
			t.Run(name+", "+form, func(t *testing.T) {
				_, packets := reel.Load(t, flv)
				got := demux(t, byFFmpeg(t, "a.flv", flv, options...), 3)
				samePackets(t, onlyOf(packets, true), got.of(true))
				samePackets(t, onlyOf(packets, false), got.of(false))
			})
		}
	}
	for _, codec := range []media.Codec{media.MP3, media.Opus} {
		t.Run(codec.String(), func(t *testing.T) {
			clip := reel.Encode(t, codec)
			got := demux(t, byFFmpeg(t, clip.Name, clip.Data), 4)
			samePackets(t, clip.Packets, got.packets)
		})
	}
}

// H.265 by ffmpeg has the same pictures when it has been taken apart and made again.
func TestTakesH265(t *testing.T) {
	raw := testmedia.H265()
	got := demux(t, byFFmpeg(t, "a.h265", raw, "-bsf:v", "setts=ts=N*3600:time_base=1/90000"), 7)
	require.Equal(t, media.H265, got.tracks[0].Codec)
	require.NotZero(t, got.tracks[0].Width)
	ts := mux(t, got.tracks, got.packets)
	require.Equal(t, reel.Hashes(t, "a.h265", reel.Pictures, raw), reel.Hashes(t, "a.ts", reel.Pictures, ts))
}

// Where a packet is missing, pictures are left out up to the next at which decoding can start.
func TestLossOfPackets(t *testing.T) {
	tracks, packets := reel.Load(t, testmedia.H264())
	ts := mux(t, tracks, packets)
	at := len(ts) / packetSize / 4 * packetSize
	for i := at; ; i += packetSize { // one of the pictures
		if pid := uint16(ts[i+1]&0x1f)<<8 | uint16(ts[i+2]); pid == firstPID && ts[i+3]&0x20 == 0 {
			at = i
			break
		}
	}
	c := &collected{}
	d := NewDemuxer(c, func(error) {})
	_, err := d.Write(append(bytes.Clone(ts[:at]), ts[at+packetSize:]...))
	require.NoError(t, err)
	require.NoError(t, d.Close())
	want, got := onlyOf(packets, true), c.of(true)
	require.Less(t, len(got), len(want))
	n := 0
	for plain(got[n]) != nil && bytes.Equal(plain(got[n]), plain(want[n])) {
		n++
	}
	require.True(t, got[n].Key, "picture %d comes although one in front of it is missing", n)
	samePackets(t, want[len(want)-len(got)+n:], got[n:])
}

// Between packets, bytes of something else are passed over.
func TestFindsPackets(t *testing.T) {
	tracks, packets := reel.Load(t, testmedia.H264())
	ts := mux(t, tracks, packets)
	half := len(ts) / packetSize / 2 * packetSize
	junk := []byte(strings.Repeat("HTTP/1.1 ", 50))
	got := demux(t, append(append(append([]byte("some words in front"), ts[:half]...), junk...), ts[half:]...), 5)
	samePackets(t, onlyOf(packets, true), got.of(true))

	d := NewDemuxer(&collected{}, func(error) {})
	_, err := d.Write(bytes.Repeat([]byte("no stream"), maxSkipped/9+1))
	require.ErrorIs(t, err, ErrNoStream)
}

// A program gets another track, and loses one.
func TestProgramChanges(t *testing.T) {
	tracks, packets := reel.Load(t, testmedia.H264())
	m := NewMuxer()
	var ts []byte
	part := func(from, to int, tracks ...*media.Track) {
		_, err := m.AppendHeader(nil, &media.Description{Tracks: tracks})
		require.NoError(t, err)
		first := true
		for _, p := range packets[from:to] {
			if len(tracks) == 2 || p.Track.ID == tracks[0].ID {
				ts = m.appendPacket(ts, p, p.Key || first)
				first = false
			}
		}
	}
	third := len(packets) / 3
	part(0, third, tracks[0])
	part(third, 2*third, tracks...)
	part(2*third, len(packets), tracks[1])
	got := demux(t, ts, 6)
	require.Equal(t, 3, got.told)
	require.Len(t, got.tracks, 1)
	require.Equal(t, tracks[1].Codec, got.tracks[0].Codec)
}

// joined puts several pictures in one packet each.
func joined(packets []*media.Packet, each int) (list []*media.Packet) {
	for part := range slices.Chunk(onlyOf(packets, true), each) {
		p := *part[0]
		p.Data, p.PTS = nil, p.DTS
		for _, one := range part {
			p.Data = append(p.Data, one.Data...)
		}
		list = append(list, &p)
	}
	return list
}

// Several pictures in one PES packet come as many, each when it is due.
func TestPicturesInOnePES(t *testing.T) {
	tracks, packets := reel.Load(t, testmedia.H264())
	for _, each := range []int{2, 7, 25} {
		got := demux(t, mux(t, tracks[:1], joined(packets, each)), 8)
		samePackets(t, onlyOf(packets, true), got.of(true))
	}
}

// What is not taken is said once.
func TestLeftOut(t *testing.T) {
	var tab tables
	tab.set([]*output{
		{pid: 0x100, kind: kind{streamType: 0x02}}, {pid: 0x101, kind: kind{streamType: 0x81}}, {pid: 0x102, kind: kind{streamType: 0x02}},
	}, 0x100)
	var said []string
	d := NewDemuxer(&collected{}, func(err error) { said = append(said, err.Error()) })
	for range 3 {
		_, err := d.Write(tab.append(nil))
		require.NoError(t, err)
	}
	require.Equal(t, []string{"mpegts: stream type 0x02 (MPEG-2 video) is not taken", "mpegts: stream type 0x81 (AC-3) is not taken"}, said)
}

// Whatever comes, what is made of it is in order, and little is kept.
func FuzzDemuxer(f *testing.F) {
	tracks, packets := reel.Load(f, testmedia.H264())
	ts := mux(f, tracks, packets)
	f.Add(ts[:40*packetSize], uint16(188))
	f.Add(ts[:9*packetSize], uint16(7))
	f.Add(mux(f, tracks[:1], joined(packets, 2)[:4]), uint16(300))
	f.Fuzz(func(t *testing.T, ts []byte, piece uint16) {
		c := &collected{}
		d := NewDemuxer(c, func(error) {})
		for n := int(piece%2000) + 1; len(ts) > 0; ts = ts[min(n, len(ts)):] {
			if _, err := d.Write(ts[:min(n, len(ts))]); err != nil {
				require.ErrorIs(t, err, ErrNoStream)
				return
			}
		}
		require.NoError(t, d.Close())
		require.LessOrEqual(t, len(d.streams), maxProgramStreams)
		for _, p := range c.packets {
			require.NotNil(t, p.Track)
			require.NotEmpty(t, p.Data)
		}
	})
}

func BenchmarkDemuxer(b *testing.B) {
	tracks, packets := reel.Load(b, testmedia.H264())
	ts := mux(b, tracks, packets)
	b.SetBytes(int64(len(ts)))
	b.ReportAllocs()
	for b.Loop() {
		d := NewDemuxer(&collected{}, func(error) {})
		_, _ = d.Write(ts)
	}
}

// The tail of a section may stand in front of the next in a packet, and two in one.
func TestSectionsInPackets(t *testing.T) {
	body := func(n byte, size int) []byte {
		length := 5 + size + 4
		b := append([]byte{2, 0xb0 | byte(length>>8), byte(length), 0, 1, 0xc1, 0, 0}, bytes.Repeat([]byte{n}, size)...)
		sum := Checksum(b)
		return append(b, byte(sum>>24), byte(sum>>16), byte(sum>>8), byte(sum))
	}
	var got []byte
	take := func(b []byte) error {
		got = append(got, b[0])
		return nil
	}
	long, next := body(1, 200), body(2, 20)
	var s section
	require.NoError(t, s.push(tsPacket{begins: true, counter: 0, payload: append([]byte{0}, long[:183]...)}, take))
	tail := long[183:]
	both := append(append([]byte{byte(len(tail))}, tail...), next...)
	require.NoError(t, s.push(tsPacket{begins: true, counter: 1, payload: append(append(both, body(3, 9)...), 0xff, 0xff)}, take))
	require.Equal(t, []byte{1, 2, 3}, got)
	require.NoError(t, s.push(tsPacket{begins: true, counter: 2, payload: append([]byte{0}, long[:183]...)}, take))
	require.NoError(t, s.push(tsPacket{counter: 4, payload: tail}, take)) // one is missing
	require.Len(t, got, 3)
}

// A PID that stands twice in a program is one elementary stream.
func TestPIDTwice(t *testing.T) {
	var tab tables
	c := &collected{}
	d := NewDemuxer(c, func(error) {})
	for _, streams := range [][]*output{
		{{pid: 0x100, kind: kind{streamType: 0x90}}, {pid: 0x100, kind: kind{streamType: 0x90}}},
		{{pid: 0x100, kind: kind{streamType: 0x90}}, {pid: 0x101, kind: kind{streamType: 0x02}}, {pid: 0x100, kind: kind{streamType: 0x90}}},
	} {
		tab.set(streams, 0x100)
		_, err := d.Write(tab.append(nil))
		require.NoError(t, err)
		require.Len(t, d.streams, 1)
	}
}

// Many elementary streams, of each of which a picture has no end, keep no more than a few would.
func TestDemuxerKeepsLittle(t *testing.T) {
	var tab tables
	var streams []*output
	for i := range maxProgramStreams {
		streams = append(streams, &output{pid: uint16(0x100 + i), kind: kind{streamType: 0x1b}})
	}
	tab.set(streams, 0x100)
	d := NewDemuxer(&collected{}, func(error) {})
	_, err := d.Write(tab.append(nil))
	require.NoError(t, err)
	require.Len(t, d.streams, maxProgramStreams)
	most := 0
	for n := range 40_000 {
		for i := range maxProgramStreams {
			b := bytes.Repeat([]byte{0xab}, packetSize)
			begins := byte(0)
			if n%20_000 == 0 {
				begins = 0x40
				copy(b[4:], []byte{0, 0, 1, 0xe0, 0, 0, 0x80, 0x80, 5, 0x21, 0, byte(n >> 8), 0, 1})
			}
			copy(b, []byte{syncByte, begins | 1, byte(i), 0x10 | byte(n&0xf)})
			_, err := d.Write(b)
			require.NoError(t, err)
		}
		if n%100 == 0 {
			most = max(most, d.size())
		}
	}
	require.Less(t, most, 2*maxSize)
	require.Greater(t, most, maxSize/2)
}

// full is a sink that takes nothing.
type full struct{ err error }

func (full) SetTracks(...*media.Track) error     { return nil }
func (f full) WritePacket(p *media.Packet) error { return f.err }

// When the sink has failed, that is said, also beside what is broken.
func TestSinkFails(t *testing.T) {
	tracks, packets := reel.Load(t, testmedia.H264())
	ts := mux(t, tracks, packets)
	for i := 0; i < len(ts); i += 7 * packetSize { // broken everywhere
		ts[i+20] ^= 0x55
	}
	want := errors.New("it is full")
	d := NewDemuxer(full{want}, func(error) {})
	_, err := d.Write(ts)
	require.ErrorIs(t, err, want)
}
