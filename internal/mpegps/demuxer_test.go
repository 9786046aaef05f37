package mpegps

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sluice-media/sluice/internal/elementary"
	"github.com/sluice-media/sluice/internal/mpegps/dialect"
	"github.com/sluice-media/sluice/internal/mpegts"
	"github.com/sluice-media/sluice/internal/testmedia"
	"github.com/sluice-media/sluice/internal/testmedia/reel"
	"github.com/sluice-media/sluice/media"
)

func TestBegins(t *testing.T) {
	for _, c := range []struct {
		b    []byte
		want bool
	}{
		{[]byte{0, 0, 1, 0xba, 0x44, 0, 4}, true},
		{[]byte{0, 0, 1, 0xba, 0x21, 0, 1}, true},
		{[]byte{0, 0, 1, 0xba, 0xff, 0, 1}, false},
		{[]byte{0, 0, 1, 0xbb, 0, 12}, true},
		{[]byte{0, 0, 1, 0xbc, 0, 20}, true},
		{[]byte{0, 0, 1, 0xbc, 0xff, 20}, false},
		{[]byte{0, 0, 1, 0xe0, 0, 0, 0x80, 0x80, 5}, true},
		{[]byte{0, 0, 1, 0xc0, 0, 9, 0x8c, 0, 0}, true},
		{[]byte{0, 0, 1, 0xc0, 0, 9, 0x0f, 0, 0}, true},
		{[]byte{0, 0, 1, 0xe0, 0, 0}, false},
		{[]byte{0, 0, 0, 1, 0x67, 0x42, 0, 0x1e}, false},
		{[]byte{0, 0, 1, 0x67, 0x42, 0, 0x1e, 1, 2}, false},
		{[]byte{0x47, 0x40, 0, 0x10, 0, 0}, false},
		{nil, false},
	} {
		require.Equal(t, c.want, Begins(c.b), "%x", c.b)
	}
}

// device returns the dialect of a name.
func device(t testing.TB, name string) *dialect.Dialect {
	for _, d := range dialect.All() {
		if d.Name == name {
			return &d
		}
	}
	t.Fatal(name)
	return nil
}

// A camera that is told to encode otherwise goes on in the same stream, whether it has a map or not.
func TestCodecChanges(t *testing.T) {
	all := scenes(t)
	for _, name := range []string{"by the book", "no map"} {
		d := device(t, name)
		old, anew := all["H264"], all["H265"]
		runs := d.Write(old.tracks, old.packets)
		last := runs[len(runs)-1].At
		for _, r := range d.Write(anew.tracks, anew.packets) {
			r.At += last
			runs = append(runs, r)
		}
		got := play(t, runs, func(err error) { t.Error(err) })
		pictures := got.of(true)
		require.Len(t, pictures, len(onlyOf(old.packets, true))+len(onlyOf(anew.packets, true)), name)
		n := len(onlyOf(old.packets, true))
		sameMedia(t, onlyOf(old.packets, true), pictures[:n])
		sameMedia(t, onlyOf(anew.packets, true), pictures[n:])
		require.NotEmpty(t, got.tracks)
		require.True(t, slices.ContainsFunc(got.tracks, func(t *media.Track) bool { return t.Codec == media.H265 }))
		require.Len(t, got.of(false), len(onlyOf(old.packets, false))+len(onlyOf(anew.packets, false)))
	}
}

// Sound alone, of which no map tells, is found out soon, and nothing of it is lost.
func TestSoundAlone(t *testing.T) {
	for _, sound := range [][]*media.Packet{talk(time.Second, media.G711A), onlyOf(load(t, testmedia.H264()), false)} {
		runs := device(t, "no map").Write([]*media.Track{sound[0].Track}, sound)
		c := &collected{}
		d := NewDemuxer(c, func(err error) { t.Error(err) })
		for i, r := range runs {
			_, err := d.Write(r.Data)
			require.NoError(t, err)
			require.True(t, i < somePayloads || len(d.tracks()) == 1, "it takes long")
		}
		require.NoError(t, d.Close())
		sameMedia(t, sound, c.packets)
	}
}

// A map that comes late, and tells of other sound than was likely, is believed.
func TestLateMapOfOtherSound(t *testing.T) {
	s := scenes(t)["H264"]
	mulaw := *s.tracks[1]
	mulaw.Codec = media.G711U
	for i, p := range s.packets {
		if p.Track == s.tracks[1] {
			q := *p
			q.Track = &mulaw
			s.packets[i] = &q
		}
	}
	got := play(t, device(t, "map with the second key picture").Write([]*media.Track{s.tracks[0], &mulaw}, s.packets), func(err error) { t.Error(err) })
	require.Len(t, got.of(false), len(onlyOf(s.packets, false)))
	require.Equal(t, media.G711A, got.of(false)[0].Track.Codec)
	last := got.of(false)[len(got.of(false))-1]
	require.Equal(t, media.G711U, last.Track.Codec)
	require.Len(t, got.tracks, 2)
}

// A picture is handed on as soon as the next begins, however large that is.
func TestPictureIsNotHeldBack(t *testing.T) {
	s := scenes(t)["large"]
	runs := device(t, "PES packets of 65,535 bytes").Write(s.tracks[:1], onlyOf(s.packets, true))
	c := &collected{}
	d := NewDemuxer(c, func(err error) { t.Error(err) })
	for i, r := range runs {
		d.At(r.At)
		_, err := d.Write(r.Data[:200])
		require.NoError(t, err)
		require.EqualValues(t, i, d.Packets())
		_, err = d.Write(r.Data[200:])
		require.NoError(t, err)
	}
}

// A silence is as long as it was.
func TestSilence(t *testing.T) {
	s := scenes(t)["H264"]
	for name, tracks := range map[string][]*media.Track{"by the book": s.tracks, "PTS only": s.tracks[:1]} {
		var packets []*media.Packet
		for i, p := range s.packets {
			if !slices.Contains(tracks, p.Track) {
				continue
			}
			q := *p
			if i >= len(s.packets)/2 {
				q.DTS, q.PTS = q.DTS+time.Minute, q.PTS+time.Minute
			}
			packets = append(packets, &q)
		}
		got := play(t, device(t, name).Write(tracks, packets), func(err error) { t.Error(err) })
		sameMedia(t, onlyOf(packets, true), got.of(true))
		if len(tracks) > 1 {
			sameMedia(t, onlyOf(packets, false), got.of(false))
		}
	}
}

// Clocks that are set while the stream is under way do not tear sound and pictures apart: those of one clock stay as they are to each other.
func TestClockIsSet(t *testing.T) {
	s := scenes(t)["H264"]
	random := rand.New(rand.NewPCG(5, 6))
	tick := func(d time.Duration, of ...*media.Track) []dialect.Run {
		var packets []*media.Packet
		for i, p := range s.packets {
			q := *p
			if i >= len(s.packets)/2 && slices.Contains(of, p.Track) {
				q.DTS, q.PTS = q.DTS+d, q.PTS+d
			}
			packets = append(packets, &q)
		}
		runs := device(t, "by the book").Write(s.tracks, packets)
		for i, p := range s.packets { // it is as ever when they come, about
			runs[i].At = p.DTS + time.Duration(random.IntN(40))*time.Millisecond
		}
		return runs
	}
	for name, runs := range map[string][]dialect.Run{
		"both": tick(5*time.Hour, s.tracks...), "both, once more": tick(7*time.Hour, s.tracks...), "sound": tick(5*time.Hour, s.tracks[1]), "pictures": tick(10*time.Hour, s.tracks[0]),
	} {
		got := play(t, runs, func(err error) { t.Error(err) })
		require.Len(t, got.packets, len(s.packets), name)
		for _, video := range []bool{true, false} {
			want, list := onlyOf(s.packets, video), got.of(video)
			for k, p := range list {
				require.InDelta(t, want[k].PTS-want[0].PTS, p.PTS-list[0].PTS, float64(80*time.Millisecond), "%s %v %d", name, video, k)
			}
		}
		if strings.HasPrefix(name, "both") {
			require.InDelta(t, distance(s.packets), distance(got.packets), float64(time.Millisecond))
		}
	}
}

// distance is how far the last picture is from the last sound.
func distance(packets []*media.Packet) time.Duration {
	video, sound := onlyOf(packets, true), onlyOf(packets, false)
	return video[len(video)-1].PTS - sound[len(sound)-1].PTS
}

// Sound that begins when the clock has begun anew is of the same clock, however it comes.
func TestSoundBeginsBehindAWrap(t *testing.T) {
	s := scenes(t)["H264"]
	s.packets = slices.DeleteFunc(s.packets, func(p *media.Packet) bool { return !p.Track.Codec.Video() && p.DTS < 1500*time.Millisecond })
	runs := device(t, "stamps that wrap").Write(s.tracks, s.packets)
	for i := range runs {
		runs[i].At += time.Duration(i%7) * 5 * time.Millisecond
	}
	got := play(t, runs, func(err error) { t.Error(err) })
	require.InDelta(t, distance(s.packets), distance(got.packets), float64(time.Millisecond))
}

// A stream that is alone goes where its stamps go, if nothing else tells the time.
func TestJumpOfOneStream(t *testing.T) {
	list := talk(time.Second, media.G711A)
	for _, p := range list[10:] {
		p.PTS += 5 * time.Minute
	}
	c := &collected{}
	d := NewDemuxer(c, func(err error) { t.Error(err) })
	for _, r := range device(t, "by the book").Write([]*media.Track{list[0].Track}, list) {
		_, err := d.Write(r.Data)
		require.NoError(t, err)
	}
	require.NoError(t, d.Close())
	sameMedia(t, list, c.packets)
}

// What tells a codec may lie across PES packets.
func TestTrialInPieces(t *testing.T) {
	for codec, b := range map[media.Codec][]byte{
		media.H264: {9, 0, 0, 0, 1, 9, 0xf0, 0, 0, 0, 1, 0x67, 0x64, 0, 0x1e, 1}, media.H265: {0, 0, 1, 0x46, 1, 0x50, 0, 0, 1, 0x40, 1, 0x0c, 1},
	} {
		var x trial
		found := false
		for i := range b {
			x.add(b[i:i+1], elementary.Stamp{}, true)
			got, ok := x.look(true)
			require.False(t, ok && got != codec)
			found = found || ok
		}
		require.True(t, found, codec)
	}
}

// Bytes of something else are passed over, up to a point.
func TestFindsStart(t *testing.T) {
	tracks, packets := reel.Load(t, testmedia.H264())
	ps := mux(t, tracks, packets)
	got := demux(t, append([]byte("HTTP/1.1 200 OK\x00\x00\x01\x67\x00\x00\x01"), ps...), 6)
	samePackets(t, onlyOf(packets, true), got.of(true))
	d := NewDemuxer(&collected{}, func(error) {})
	var err error
	for range 10 {
		if _, err = d.Write(bytes.Repeat([]byte("no stream"), 120_000)); err != nil {
			break
		}
	}
	require.ErrorIs(t, err, ErrNoStream)
}

// At the end of something that is whole the last picture is, too.
func TestBreak(t *testing.T) {
	s := scenes(t)["H264"]
	for _, name := range []string{"by the book", "PES packets without a length", "PES packets that begin anywhere"} {
		c := &collected{}
		d := NewDemuxer(c, func(err error) { t.Error(err) })
		for _, r := range device(t, name).Write(s.tracks[:1], onlyOf(s.packets, true)) {
			d.At(r.At)
			_, err := d.Write(r.Data)
			require.NoError(t, err)
		}
		require.NoError(t, d.Break())
		require.EqualValues(t, len(onlyOf(s.packets, true)), d.Packets(), name)
	}
}

// A picture whose PES packet is broken is missing, and so is what refers to it.
func TestBrokenPES(t *testing.T) {
	s := scenes(t)["H264"]
	runs := device(t, "by the book").Write(s.tracks[:1], onlyOf(s.packets, true))
	at := bytes.Index(runs[5].Data, []byte{0, 0, 1, 0xe0})
	runs[5].Data[at+4], runs[5].Data[at+5] = 0, 4 // shorter than its header
	var said []string
	got := play(t, runs, func(err error) { said = append(said, err.Error()) })
	require.Equal(t, []string{errNoHeader.Error()}, said)
	want := onlyOf(s.packets, true)
	require.Less(t, partsOf(t, want, got.packets), len(want)-1)
	require.Greater(t, len(got.packets), 10)
}

// Many elementary streams, of each of which a picture has no end, keep no more than a few would.
func TestDemuxerKeepsLittle(t *testing.T) {
	var list []byte
	for i := range 20 {
		list = append(list, 0x1b, byte(0xe0+i%16), 0, 0)
	}
	d := NewDemuxer(&collected{}, func(error) {})
	require.NoError(t, d.streamsOf(list))
	require.Equal(t, maxStreams, d.taken())
	most := 0
	part := append([]byte{0, 0, 1, 0xe0, 0xff, 0xf0, 0x80, 0, 0}, bytes.Repeat([]byte{0xab}, 0xfff0-3)...)
	for n := range 100 {
		for i := range 16 {
			part[3] = byte(0xe0 + i)
			if n == 0 {
				_, err := d.Write([]byte{0, 0, 1, part[3], 0, 13, 0x80, 0x80, 5, 0x21, 0, 1, 0, 1, 0, 0, 1, 0x65, 0x88})
				require.NoError(t, err)
			}
			_, err := d.Write(part)
			require.NoError(t, err)
		}
		most = max(most, d.size())
	}
	require.Less(t, most, 2*maxSize)
	require.Greater(t, most, maxSize/2)
	require.LessOrEqual(t, cap(d.partial), maxScratch)
}

// full is a sink that takes nothing.
type full struct{ err error }

func (full) SetTracks(...*media.Track) error     { return nil }
func (f full) WritePacket(p *media.Packet) error { return f.err }

// When the sink has failed, that is said, also beside what is broken.
func TestSinkFails(t *testing.T) {
	tracks, packets := reel.Load(t, testmedia.H264())
	ps := mux(t, tracks, packets)
	for i := 40_000; i < len(ps); i += 1999 {
		ps[i] ^= 0x55
	}
	want := errors.New("it is full")
	_, err := NewDemuxer(full{want}, func(error) {}).Write(ps)
	require.ErrorIs(t, err, want)
}

// A start code may lie anywhere in PES packets, and the stamp is that of the first picture which begins in one.
func TestAligner(t *testing.T) {
	ms := func(n int) elementary.Stamp {
		at := time.Duration(n) * time.Millisecond
		return elementary.Stamp{DTS: at, PTS: at, Given: true}
	}
	pictures := load(t, testmedia.H264())
	list := onlyOf(pictures, true)[:20]
	for cut := 1; cut < 400; cut += 7 {
		var got []*media.Packet
		es := elementary.New(media.Track{ID: 1, Codec: media.H264}, func(p *media.Packet) error {
			got = append(got, p)
			return nil
		})
		a := aligner{codec: media.H264}
		var b []byte
		starts := map[int]int{}
		for i, p := range list {
			starts[len(b)] = i
			b = append(b, byteStream(p)...)
		}
		for from := 0; from < len(b); from += cut {
			var at elementary.Stamp
			for k := from; k < min(from+cut, len(b)) && !at.Given; k++ {
				if i, ok := starts[k]; ok {
					at = ms(40 * i)
				}
			}
			require.NoError(t, a.push(b[from:min(from+cut, len(b))], at, es))
		}
		require.NoError(t, a.flush(es))
		require.NoError(t, es.Flush())
		require.Len(t, got, len(list), cut)
		for i, p := range got {
			require.Equal(t, plain(list[i]), plain(p), "%d, cut at %d", i, cut)
			require.Equal(t, time.Duration(40*i)*time.Millisecond, p.DTS, "%d, cut at %d", i, cut)
		}
	}
}

// The headers that the muxer makes are as the standard has them.
func TestHeaders(t *testing.T) {
	m, err := NewMuxer([]*media.Track{{ID: 1, Codec: media.H265}, {ID: 2, Codec: media.VP9}, {ID: 3, Codec: media.G711A}, {ID: 4, Codec: media.G711U}})
	require.NoError(t, err)
	require.Len(t, m.LeftOut(), 1)
	require.Equal(t, media.VP9, m.LeftOut()[0].Codec)
	at := bytes.Index(m.headers, []byte{0, 0, 1, mapCode})
	require.Equal(t, size16(m.headers), at)
	programMap := m.headers[at:]
	require.Len(t, programMap, size16(programMap))
	require.Zero(t, mpegts.Checksum(programMap))
	require.Equal(t, []byte{0x24, 0xe0, 0, 0, 0x90, 0xc0, 0, 0, 0x91, 0xc1, 0, 0}, mapStreams(programMap))
	require.True(t, Carries(&media.Track{Codec: media.AAC, Config: []byte{0x12, 0x10}}))
	require.False(t, Carries(&media.Track{Codec: media.VP9}))
	_, err = NewMuxer([]*media.Track{{Codec: media.VP9}, {Codec: media.AAC}})
	require.ErrorIs(t, err, ErrNoTracks)
}
