package mpegts

import (
	"bytes"
	"io"
	"testing"
	"time"

	"github.com/bluenviron/mediacommon/v2/pkg/formats/mpegts"
	"github.com/bluenviron/mediacommon/v2/pkg/formats/mpegts/codecs"
	"github.com/stretchr/testify/require"

	"github.com/sluice-media/sluice/internal/elementary"
	"github.com/sluice-media/sluice/internal/h26x"
	"github.com/sluice-media/sluice/internal/testmedia"
	"github.com/sluice-media/sluice/internal/testmedia/reel"
	"github.com/sluice-media/sluice/media"
)

// mux makes a transport stream in which readers can begin at each key frame.
func mux(t testing.TB, tracks []*media.Track, packets []*media.Packet) []byte {
	t.Helper()
	m := NewMuxer()
	b, err := m.AppendHeader(nil, &media.Description{Tracks: tracks})
	require.NoError(t, err)
	require.Empty(t, b)
	for _, p := range packets {
		b = m.appendPacket(b, p, p.Key)
	}
	return b
}

// unit is an access unit as a reader has it.
type unit struct {
	pts, dts time.Duration
	data     []byte
}

// read reads a transport stream by another library.
func read(t testing.TB, ts []byte) (video, audio []unit) {
	t.Helper()
	r := &mpegts.Reader{R: bytes.NewReader(ts)}
	require.NoError(t, r.Initialize())
	r.OnDecodeError(func(err error) { require.NoError(t, err) })
	at := func(stamp int64) time.Duration { return time.Duration(stamp)*time.Second/clock - delay }
	for _, track := range r.Tracks() {
		switch track.Codec.(type) {
		case *codecs.H264:
			r.OnDataH264(track, func(pts, dts int64, au [][]byte) error {
				video = append(video, unit{at(pts), at(dts), bytes.Join(au, []byte{0, 0, 0, 1})})
				return nil
			})
		case *codecs.MPEG4Audio:
			r.OnDataMPEG4Audio(track, func(pts int64, aus [][]byte) error {
				for _, au := range aus {
					audio = append(audio, unit{at(pts), at(pts), au})
				}
				return nil
			})
		case *codecs.Opus:
			r.OnDataOpus(track, func(pts int64, packets [][]byte) error {
				for _, p := range packets {
					audio = append(audio, unit{at(pts), at(pts), p})
				}
				return nil
			})
		case *codecs.MPEG1Audio:
			r.OnDataMPEG1Audio(track, func(pts int64, frames [][]byte) error {
				for _, f := range frames {
					audio = append(audio, unit{at(pts), at(pts), f})
				}
				return nil
			})
		}
	}
	var err error
	for err == nil {
		err = r.Read()
	}
	require.ErrorIs(t, err, io.EOF)
	return video, audio
}

// expected are the packets of a kind as read gives them.
func expected(packets []*media.Packet, video bool) (list []unit) {
	for _, p := range packets {
		if p.Track.Codec.Video() != video {
			continue
		}
		u := unit{pts: p.PTS, dts: p.DTS, data: p.Data}
		if video {
			var units [][]byte
			if elementary.NeedsSets(p) {
				sets, _, _ := h26x.Parse(p.Track.Codec, p.Track.Config)
				units = append(append(units, sets.SPS...), sets.PPS...)
			}
			for unit := range h26x.Units(p.Data) {
				if !elementary.IsDelimiter(p.Track.Codec, unit) {
					units = append(units, unit)
				}
			}
			u.data = bytes.Join(units, []byte{0, 0, 0, 1})
		}
		list = append(list, u)
	}
	return list
}

// sameUnits compares what was read with what was written. Stamps are exact to a tick.
func sameUnits(t *testing.T, want, got []unit) {
	t.Helper()
	require.Len(t, got, len(want))
	for i := range want {
		require.InDelta(t, want[i].pts, got[i].pts, float64(time.Second/clock+1), i)
		require.InDelta(t, want[i].dts, got[i].dts, float64(time.Second/clock+1), i)
		require.True(t, bytes.Equal(want[i].data, got[i].data), i)
	}
}

// What another library reads is what was written, with B-frames and without.
func TestAnotherReads(t *testing.T) {
	for name, flv := range map[string][]byte{"H264": testmedia.H264(), "B-frames": testmedia.H264B(), "demo": testmedia.Demo()} {
		t.Run(name, func(t *testing.T) {
			tracks, packets := reel.Load(t, flv)
			video, audio := read(t, mux(t, tracks, packets))
			sameUnits(t, expected(packets, true), video)
			sameUnits(t, expected(packets, false), audio)
		})
	}
}

// checkPackets checks what the standard says of packets, and returns the PCR that were seen.
func checkPackets(t *testing.T, ts []byte) (clocks []time.Duration) {
	t.Helper()
	require.Zero(t, len(ts)%packetSize)
	counters := map[uint16]byte{}
	for at := 0; at < len(ts); at += packetSize {
		b := ts[at:][:packetSize]
		require.EqualValues(t, 0x47, b[0])
		pid := uint16(b[1]&0x1f)<<8 | uint16(b[2])
		if b[3]&0x20 != 0 && b[4] > 0 && b[5]&0x10 != 0 {
			base := int64(b[6])<<25 | int64(b[7])<<17 | int64(b[8])<<9 | int64(b[9])<<1 | int64(b[10])>>7
			ext := int64(b[10]&1)<<8 | int64(b[11])
			require.Less(t, ext, int64(300))
			clocks = append(clocks, time.Duration((base*300+ext)*1000/27))
		}
		last, seen := counters[pid]
		switch {
		case b[3]&0x10 == 0 && !seen:
			continue
		case b[3]&0x10 == 0:
			require.Equal(t, last, b[3]&0xf, "without payload it does not count")
		case seen:
			require.Equal(t, (last+1)&0xf, b[3]&0xf, "PID %x", pid)
		}
		counters[pid] = b[3] & 0xf
	}
	return clocks
}

// Counters count on, and the clock is told often enough, also over a time without pictures and in sound alone.
func TestPackets(t *testing.T) {
	tracks, packets := reel.Load(t, testmedia.H264())
	sound := func(list []*media.Packet) (out []*media.Packet) {
		for _, p := range list {
			if !p.Track.Codec.Video() {
				out = append(out, p)
			}
		}
		return out
	}
	var sparse []*media.Packet
	for i, p := range packets {
		if !p.Track.Codec.Video() || i%40 == 0 {
			sparse = append(sparse, p)
		}
	}
	var audioTrack []*media.Track
	for _, track := range tracks {
		if !track.Codec.Video() {
			audioTrack = append(audioTrack, track)
		}
	}
	for name, c := range map[string]struct {
		tracks  []*media.Track
		packets []*media.Packet
	}{"all": {tracks, packets}, "sparse": {tracks, sparse}, "sound": {audioTrack, sound(packets)}} {
		t.Run(name, func(t *testing.T) {
			clocks := checkPackets(t, mux(t, c.tracks, c.packets))
			require.NotEmpty(t, clocks)
			for i := 1; i < len(clocks); i++ {
				require.Greater(t, clocks[i], clocks[i-1])
				require.LessOrEqual(t, clocks[i]-clocks[i-1], 100*time.Millisecond)
			}
			require.InDelta(t, c.packets[len(c.packets)-1].DTS, clocks[len(clocks)-1], float64(100*time.Millisecond))
		})
	}
}

// Tables come with each start and at most half a second apart, and have a new version when the tracks change.
func TestTables(t *testing.T) {
	tracks, packets := reel.Load(t, testmedia.H264())
	m := NewMuxer()
	_, err := m.AppendHeader(nil, &media.Description{Tracks: tracks})
	require.NoError(t, err)
	last := time.Duration(0)
	for i, p := range packets {
		b := m.appendPacket(nil, p, p.Key)
		tables := bytes.HasPrefix(b, []byte{0x47, 0x40, 0})
		require.False(t, p.Key && !tables)
		if tables {
			require.LessOrEqual(t, p.DTS-last, 500*time.Millisecond, i)
			last = p.DTS
		}
	}
	version := m.tables.version
	first, err := m.AppendChange(nil, &media.Description{Tracks: tracks})
	require.NoError(t, err)
	require.Len(t, first, 2*packetSize)
	same, err := m.AppendChange(nil, &media.Description{Tracks: tracks, Metadata: map[string]any{"a": 1.0}})
	require.NoError(t, err)
	require.Empty(t, same, "decoders need not know of metadata")
	require.Equal(t, version, m.tables.version)
	more := append(tracks[:len(tracks):len(tracks)], &media.Track{ID: 77, Codec: media.Opus, Channels: 2})
	pid := m.tracks[0].pid
	_, err = m.AppendChange(nil, &media.Description{Tracks: more})
	require.NoError(t, err)
	require.Equal(t, version+1, m.tables.version)
	require.Equal(t, pid, m.tracks[0].pid)
	_, err = m.AppendChange(nil, &media.Description{Tracks: more[1:]})
	require.NoError(t, err)
	require.NotEqual(t, m.tracks[0].pid, m.tracks[1].pid)
}

// The tables of a stream with as many tracks as one can have take the packets that they need, and are read by others.
func TestTablesOfManyTracks(t *testing.T) {
	for opus := range 17 {
		var tracks []*media.Track
		var packets []*media.Packet
		for i := range 16 {
			track := &media.Track{ID: i + 1, Codec: media.Opus, SampleRate: 48000, Channels: 2}
			if i >= opus {
				track = &media.Track{ID: i + 1, Codec: media.MP3, SampleRate: 44100, Channels: 2}
			}
			tracks = append(tracks, track)
		}
		for i := range 3 * len(tracks) {
			p := &media.Packet{Track: tracks[i%len(tracks)], DTS: time.Duration(i) * time.Millisecond, Data: []byte{0xfc, 1, 2}}
			p.Key, p.PTS = i%len(tracks) == 0, p.DTS
			packets = append(packets, p)
		}
		ts := mux(t, tracks, packets)
		checkPackets(t, ts)
		m := NewMuxer()
		_, err := m.AppendHeader(nil, &media.Description{Tracks: tracks})
		require.NoError(t, err)
		require.Equal(t, m.tables.append(nil), Tables(ts))
		r := &mpegts.Reader{R: bytes.NewReader(ts)}
		require.NoError(t, r.Initialize())
		require.Len(t, r.Tracks(), len(tracks))
	}
}

// However often the tracks are other ones, each has a PID of its own that is one.
func TestPIDsDoNotRunOut(t *testing.T) {
	m := NewMuxer()
	for i := range 10_000 {
		track := func(id int) *media.Track { return &media.Track{ID: id, Codec: media.G711A} }
		_, err := m.AppendHeader(nil, &media.Description{Tracks: []*media.Track{track(0), track(1 + i%2)}})
		require.NoError(t, err)
		require.EqualValues(t, firstPID, m.tracks[0].pid)
		require.Greater(t, m.tracks[1].pid, uint16(firstPID))
		require.Less(t, m.tracks[1].pid, uint16(pmtPID))
	}
}

// Sound of other codecs is read as it was written.
func TestSound(t *testing.T) {
	mp3 := append([]byte{0xff, 0xfb, 0x50, 0xc4}, bytes.Repeat([]byte{7}, 204)...) // layer III, 64 kbit/s, 44.1 kHz
	for codec, frame := range map[media.Codec][]byte{media.Opus: bytes.Repeat([]byte{0xfc, 1}, 255), media.MP3: mp3} {
		track := &media.Track{ID: 3, Codec: codec, SampleRate: 44100, Channels: 2}
		var packets []*media.Packet
		for i := range 40 {
			at := time.Duration(i) * 20 * time.Millisecond
			packets = append(packets, &media.Packet{Track: track, DTS: at, PTS: at, Data: frame})
		}
		ts := mux(t, []*media.Track{track}, packets)
		checkPackets(t, ts)
		_, audio := read(t, ts)
		sameUnits(t, expected(packets, false), audio)
	}
}

// After 26.5 hours PTS and DTS begin anew; the clock does not stumble, and nothing overflows for weeks.
func TestWrap(t *testing.T) {
	const wrap = time.Duration(1<<33)*time.Second/clock + 1 // rounded up
	base := func(at time.Duration) uint64 {
		n, _ := Ticks(at)
		return n
	}
	require.EqualValues(t, 0, base(wrap))
	require.Equal(t, uint64(1<<33-1), base(wrap-time.Second/clock))
	require.Equal(t, uint64(1<<33-1), base(-1))
	require.EqualValues(t, 90, base(100*wrap+time.Millisecond)-base(100*wrap))
	tracks, packets := reel.Load(t, testmedia.H264())
	for _, p := range packets {
		p.DTS += wrap - time.Second
		p.PTS += wrap - time.Second
	}
	clocks := checkPackets(t, mux(t, tracks, packets))
	wraps := 0
	for i := 1; i < len(clocks); i++ {
		step := clocks[i] - clocks[i-1]
		if step < 0 {
			wraps++
			step += wrap
		}
		require.LessOrEqual(t, step, 100*time.Millisecond)
	}
	require.Equal(t, 1, wraps)
}

func TestCarries(t *testing.T) {
	for _, c := range []struct {
		track media.Track
		want  bool
	}{
		{media.Track{Codec: media.H264}, true},
		{media.Track{Codec: media.VP9}, false},
		{media.Track{Codec: media.G711A}, true},
		{media.Track{Codec: media.AAC}, false},
		{media.Track{Codec: media.AAC, Config: []byte{0x12, 0x10}}, true},
		{media.Track{Codec: media.AAC, Config: []byte{0x17, 0x80}}, false},             // a sample rate of its own
		{media.Track{Codec: media.AAC, Config: []byte{0x2b, 0x92, 0x08, 0x00}}, true},  // HE-AAC
		{media.Track{Codec: media.AAC, Config: []byte{0x11, 0x80}}, false},             // channels by a program config element
		{media.Track{Codec: media.AAC, Config: []byte{0xb9, 0x10, 0x00, 0x00}}, false}, // low delay
	} {
		require.Equal(t, c.want, Carries(&c.track), "%+v", c.track)
	}
}

// Whatever is in a packet becomes whole packets, or nothing.
func FuzzMuxer(f *testing.F) {
	f.Add([]byte{0, 0, 0, 2, 0x65, 1}, true, int64(0), uint8(0))
	f.Add(bytes.Repeat([]byte{1}, 300), false, int64(time.Hour), uint8(2))
	tracks := []*media.Track{
		{ID: 0, Codec: media.H264, Config: []byte{1, 66, 0, 30, 0xff, 0xe1, 0, 2, 0x67, 1, 1, 0, 2, 0x68, 1}},
		{ID: 1, Codec: media.H265},
		{ID: 2, Codec: media.AAC, Config: []byte{0x12, 0x10}},
		{ID: 3, Codec: media.Opus},
		{ID: 4, Codec: media.MP3},
		{ID: 5, Codec: media.G711A},
	}
	f.Fuzz(func(t *testing.T, data []byte, key bool, at int64, which uint8) {
		m := NewMuxer()
		_, err := m.AppendHeader(nil, &media.Description{Tracks: tracks})
		require.NoError(t, err)
		var ts []byte
		for i := range 3 {
			when := time.Duration(at) + time.Duration(i)*time.Duration(which)*time.Millisecond
			ts = m.appendPacket(ts, &media.Packet{Track: tracks[int(which)%len(tracks)], Key: key, DTS: when, PTS: when + time.Duration(which), Data: data}, key)
		}
		checkPackets(t, ts)
	})
}

// ffmpeg decodes the same pictures and sound from it as from what it was made of, and finds no fault.
func TestFFmpegDecodes(t *testing.T) {
	for _, flv := range [][]byte{testmedia.H264(), testmedia.H264B()} {
		tracks, packets := reel.Load(t, flv)
		ts := mux(t, tracks, packets)
		for _, what := range []string{reel.Pictures, reel.Sound} {
			require.Equal(t, reel.Hashes(t, "a.flv", what, flv), reel.Hashes(t, "a.ts", what, ts))
		}
	}
}

func BenchmarkMuxer(b *testing.B) {
	tracks, packets := reel.Load(b, testmedia.H264())
	m := NewMuxer()
	_, err := m.AppendHeader(nil, &media.Description{Tracks: tracks})
	require.NoError(b, err)
	var buf []byte
	size := 0
	for _, p := range packets {
		size += len(p.Data)
	}
	b.SetBytes(int64(size))
	b.ReportAllocs()
	for b.Loop() {
		for _, p := range packets {
			buf = m.appendPacket(buf[:0], p, p.Key)
		}
	}
}
