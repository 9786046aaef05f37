package fmp4

import (
	"bytes"
	"encoding/binary"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/bluenviron/mediacommon/v2/pkg/formats/fmp4"
	"github.com/bluenviron/mediacommon/v2/pkg/formats/mp4/codecs"
	"github.com/stretchr/testify/require"

	"github.com/sluice-media/sluice/internal/testmedia"
	"github.com/sluice-media/sluice/internal/testmedia/reel"
	"github.com/sluice-media/sluice/media"
)

// shelf keeps chunks.
type shelf struct {
	chunks []media.Chunk
	tail   []byte
}

func (s *shelf) Tail(n int) []byte {
	if cap(s.tail)-len(s.tail) < n {
		s.tail = make([]byte, 0, n+1<<20)
	}
	return s.tail[len(s.tail):]
}

func (s *shelf) Write(c media.Chunk) {
	s.chunks = append(s.chunks, c)
	s.tail = s.tail[:len(s.tail)+len(c.Data)]
}

// mux makes a file in which readers can begin at each key frame.
func mux(t testing.TB, tracks []*media.Track, packets []*media.Packet) (init []byte, s *shelf) {
	t.Helper()
	m := NewMuxer()
	init, err := m.AppendHeader(nil, &media.Description{Tracks: tracks})
	require.NoError(t, err)
	s = &shelf{}
	for _, p := range packets {
		_ = m.WritePacket(s, p, p.Key)
	}
	_ = m.Flush(s)
	return init, s
}

func (s *shelf) file(init []byte) []byte {
	b := bytes.Clone(init)
	for _, c := range s.chunks {
		b = append(b, c.Data...)
	}
	return b
}

// read is a sample as another library has it.
type read struct {
	begins, lasts uint64
	composed      int32
	key           bool
	data          []byte
}

// readAll reads fragments by another library, by number of the track.
func readAll(t testing.TB, s *shelf) map[int][]read {
	t.Helper()
	out := map[int][]read{}
	for _, c := range s.chunks {
		var parts fmp4.Parts
		require.NoError(t, parts.Unmarshal(c.Data))
		require.Len(t, parts, 1)
		for _, track := range parts[0].Tracks {
			at := track.BaseTime
			for _, sample := range track.Samples {
				out[track.ID] = append(out[track.ID], read{at, uint64(sample.Duration), sample.PTSOffset, !sample.IsNonSyncSample, sample.Payload})
				at += uint64(sample.Duration)
			}
		}
	}
	return out
}

// What another library reads is what was written, and the samples of a track lie end to end.
func TestAnotherReads(t *testing.T) {
	for name, flv := range map[string][]byte{"H264": testmedia.H264(), "B-frames": testmedia.H264B(), "demo": testmedia.Demo()} {
		t.Run(name, func(t *testing.T) {
			tracks, packets := reel.Load(t, flv)
			init, s := mux(t, tracks, packets)
			var head fmp4.Init
			require.NoError(t, head.Unmarshal(bytes.NewReader(init)))
			require.Len(t, head.Tracks, len(tracks))
			got := readAll(t, s)
			for i, track := range tracks {
				scale := newTrack(track, 1).scale
				require.EqualValues(t, scale, head.Tracks[i].TimeScale)
				var want []*media.Packet
				for _, p := range packets {
					if p.Track.ID == track.ID {
						want = append(want, p)
					}
				}
				list := got[i+1]
				require.Len(t, list, len(want))
				for j, p := range want {
					require.True(t, bytes.Equal(p.Data, list[j].data))
					require.Equal(t, units(p.DTS, scale), list[j].begins)
					require.EqualValues(t, units(p.PTS, scale), int64(list[j].begins)+int64(list[j].composed))
					require.Equal(t, p.Key || !track.Codec.Video(), list[j].key)
					if j > 0 {
						require.Equal(t, list[j-1].begins+list[j-1].lasts, list[j].begins)
					}
				}
			}
		})
	}
}

// A fragment holds one picture, and the sound that has come; readers begin with key pictures only.
func TestFragments(t *testing.T) {
	tracks, packets := reel.Load(t, testmedia.H264())
	_, s := mux(t, tracks, packets)
	pictures, keys := 0, 0
	for _, p := range packets {
		if p.Track.Codec.Video() {
			pictures++
			if p.Key {
				keys++
			}
		}
	}
	starts := 0
	for i, c := range s.chunks {
		require.Less(t, i, pictures+1)
		if c.Key {
			starts++
		}
		var parts fmp4.Parts
		require.NoError(t, parts.Unmarshal(c.Data))
		require.EqualValues(t, i+1, parts[0].SequenceNumber)
		video := 0
		for _, track := range parts[0].Tracks {
			if track.ID == 1 {
				video += len(track.Samples)
				require.Equal(t, c.Key, !track.Samples[0].IsNonSyncSample)
				require.InDelta(t, 40*time.Millisecond, c.Duration, float64(time.Millisecond))
			}
		}
		require.Equal(t, 1, video)
	}
	require.Equal(t, keys, starts)
}

// Sound alone comes in pieces of a tenth of a second, and with sparse pictures it does not wait for them.
func TestSound(t *testing.T) {
	tracks, packets := reel.Load(t, testmedia.H264())
	var sound, sparse []*media.Packet
	for i, p := range packets {
		if !p.Track.Codec.Video() {
			sound = append(sound, p)
		}
		if !p.Track.Codec.Video() || i%60 == 0 {
			sparse = append(sparse, p)
		}
	}
	audio := []*media.Track{sound[0].Track}
	_, s := mux(t, audio, sound)
	total := time.Duration(0)
	for i, c := range s.chunks[:len(s.chunks)-1] {
		require.Greater(t, c.Duration, 80*time.Millisecond, i)
		require.Less(t, c.Duration, 160*time.Millisecond, i)
		total += c.Duration
	}
	require.InDelta(t, sound[len(sound)-1].DTS, total, float64(200*time.Millisecond))
	require.Len(t, readAll(t, s)[1], len(sound))

	m := NewMuxer()
	_, err := m.AppendHeader(nil, &media.Description{Tracks: tracks})
	require.NoError(t, err)
	s = &shelf{}
	for _, p := range sparse {
		_ = m.WritePacket(s, p, p.Key)
		var oldest time.Duration
		for i := range m.runs {
			if r := m.runs[i].samples; len(r) > 0 && !m.tracks[i].Codec.Video() {
				oldest = p.DTS - r[0].packet.DTS
			}
		}
		require.Less(t, oldest, longestRide+100*time.Millisecond)
	}
}

// After a pause and a flush, and where stamps step back, samples of a track never overlap; nothing is lost.
func TestFlushAndSteps(t *testing.T) {
	track := &media.Track{ID: 1, Codec: media.VP8, Width: 64, Height: 64}
	m := NewMuxer()
	_, err := m.AppendHeader(nil, &media.Description{Tracks: []*media.Track{track}})
	require.NoError(t, err)
	s := &shelf{}
	at, n := time.Duration(0), 0
	for i := range 300 {
		at += time.Duration(rand.IntN(30)) * time.Millisecond
		_ = m.WritePacket(s, &media.Packet{Track: track, Key: i%10 == 0, DTS: at, PTS: at, Data: []byte{byte(i), 1}}, i%10 == 0)
		n++
		if i%7 == 0 {
			_ = m.Flush(s)
		}
	}
	_ = m.Flush(s)
	list := readAll(t, s)[1]
	require.Len(t, list, n)
	for i := 1; i < n; i++ {
		require.GreaterOrEqual(t, list[i].begins, list[i-1].begins+list[i-1].lasts, i)
		require.NotZero(t, list[i-1].lasts, i)
	}
	_ = m.WritePacket(s, &media.Packet{Track: track, DTS: time.Millisecond, PTS: time.Millisecond, Data: []byte{9}}, false)
	_ = m.WritePacket(s, &media.Packet{Track: track, DTS: 41 * time.Millisecond, PTS: 41 * time.Millisecond, Data: []byte{9}}, false)
	list = readAll(t, s)[1]
	require.EqualValues(t, 90, list[len(list)-1].begins, "it has jumped")
	require.EqualValues(t, 3600, list[len(list)-1].lasts)
}

// The last sample lasts as long as its codec says.
func TestLastSample(t *testing.T) {
	for name, c := range map[string]struct {
		track media.Track
		size  int
		want  uint64
	}{
		"AAC":                    {media.Track{Codec: media.AAC, Config: []byte{0x12, 0x10}, SampleRate: 44100}, 9, 1024},
		"AAC of 960":             {media.Track{Codec: media.AAC, Config: []byte{0x12, 0x14}, SampleRate: 44100}, 9, 960},
		"HE-AAC":                 {media.Track{Codec: media.AAC, Config: []byte{0x2b, 0x92, 0x08, 0x00}, SampleRate: 44100}, 9, 2048},
		"HE-AAC of 960":          {media.Track{Codec: media.AAC, Config: []byte{0x2b, 0x92, 0x0a, 0x00}, SampleRate: 44100}, 9, 1920},
		"HE-AAC at its own rate": {media.Track{Codec: media.AAC, Config: []byte{0x2b, 0x92, 0x08, 0x00}, SampleRate: 22050}, 9, 1024},
		"HE-AAC that hides it":   {media.Track{Codec: media.AAC, Config: []byte{0x13, 0x90}, SampleRate: 44100}, 9, 2048},
		"AAC that is unknown":    {media.Track{Codec: media.AAC, Config: []byte{0xb9, 0x10}, SampleRate: 44100}, 9, 1024},
		"MP3":                    {media.Track{Codec: media.MP3, SampleRate: 44100}, 9, 1152},
		"MP3 of MPEG-2":          {media.Track{Codec: media.MP3, SampleRate: 22050}, 9, 576},
		"G.711":                  {media.Track{Codec: media.G711A, SampleRate: 8000, Channels: 1}, 160, 160},
		"G.711 of two channels":  {media.Track{Codec: media.G711U, SampleRate: 8000, Channels: 2}, 320, 160},
		"Opus":                   {media.Track{Codec: media.Opus}, 9, 960},
		"video":                  {media.Track{Codec: media.VP8}, 9, 3600},
		"video of 50 Hz":         {media.Track{Codec: media.VP8, FPS: 50}, 9, 1800},
	} {
		c.track.ID = 1
		_, s := mux(t, []*media.Track{&c.track}, []*media.Packet{{Track: &c.track, Key: true, Data: make([]byte, c.size)}})
		require.Equal(t, c.want, readAll(t, s)[1][0].lasts, name)
	}
}

// A change is told where the initialization segment is another one, and only there.
func TestChange(t *testing.T) {
	m := NewMuxer()
	d := &media.Description{Tracks: []*media.Track{{ID: 1, Codec: media.VP8, Width: 64, Height: 64}}}
	change := func() []byte {
		_, err := m.AppendHeader(nil, d)
		require.NoError(t, err)
		b, err := m.AppendChange(nil, d)
		require.NoError(t, err)
		return b
	}
	require.NotEmpty(t, change())
	d.Metadata = map[string]any{"a": 1.0}
	require.Empty(t, change())
	d.Tracks = []*media.Track{{ID: 1, Codec: media.VP8, Width: 128, Height: 64}}
	require.Equal(t, m.init, change())
}

// What is said of each codec is what another library understands.
func TestCodecs(t *testing.T) {
	for codec, c := range map[media.Codec]struct {
		config []byte
		want   codecs.Codec
	}{
		media.AAC:  {[]byte{0x12, 0x10}, &codecs.MPEG4Audio{}},
		media.Opus: {nil, &codecs.Opus{}},
		media.MP3:  {nil, &codecs.MPEG1Audio{}},
		media.VP9:  {nil, &codecs.VP9{}},
	} {
		described := &media.Track{ID: 1, Codec: codec, Config: c.config, SampleRate: 44100, Channels: 2, Width: 64, Height: 48}
		init := appendInit(nil, []*track{newTrack(described, 1)}, nil)
		var head fmp4.Init
		require.NoError(t, head.Unmarshal(bytes.NewReader(init)))
		require.IsType(t, c.want, head.Tracks[0].Codec)
		if o, ok := head.Tracks[0].Codec.(*codecs.Opus); ok {
			require.Equal(t, 2, o.ChannelCount)
		}
	}
}

// The sample rate of a sample entry has 16 bits. One that has more is not cut, but left to what the codec says of itself.
func TestHighSampleRates(t *testing.T) {
	for rate, c := range map[int]struct {
		config []byte
		field  uint32
	}{
		48000: {[]byte{0x11, 0x90}, 48000 << 16}, 64000: {[]byte{0x11, 0x10}, 64000 << 16},
		88200: {[]byte{0x10, 0x90}, 0}, 96000: {[]byte{0x10, 0x10}, 0},
	} {
		init := appendInit(nil, []*track{newTrack(&media.Track{ID: 1, Codec: media.AAC, Config: c.config, SampleRate: rate, Channels: 2}, 1)}, nil)
		entry := init[bytes.Index(init, []byte("mp4a")):]
		require.Equal(t, c.field, binary.BigEndian.Uint32(entry[4+24:]), rate)
		var head fmp4.Init
		require.NoError(t, head.Unmarshal(bytes.NewReader(init)))
		require.EqualValues(t, rate, head.Tracks[0].TimeScale)
		require.Equal(t, rate, head.Tracks[0].Codec.(*codecs.MPEG4Audio).Config.SampleRate)
	}
}

// ffmpeg decodes the same pictures and sound from it as from what it was made of, and finds no fault.
func TestFFmpegDecodes(t *testing.T) {
	for _, flv := range [][]byte{testmedia.H264(), testmedia.H264B()} {
		tracks, packets := reel.Load(t, flv)
		init, s := mux(t, tracks, packets)
		require.Equal(t, reel.Hashes(t, "a.flv", reel.Pictures, flv), reel.Hashes(t, "a.mp4", reel.Pictures, s.file(init)))
		require.Equal(t, reel.Hashes(t, "a.flv", reel.Sound, flv), reel.Hashes(t, "a.mp4", reel.Sound, s.file(init)))
	}
}

// Whatever packets come, fragments are whole, and none is lost.
func FuzzMuxer(f *testing.F) {
	f.Add([]byte{1, 2, 3, 40, 0, 7})
	f.Fuzz(func(t *testing.T, script []byte) {
		tracks := []*media.Track{{ID: 0, Codec: media.VP8, Width: 1, Height: 1}, {ID: 1, Codec: media.G711A}, {ID: 2, Codec: media.Opus}}
		m := NewMuxer()
		_, err := m.AppendHeader(nil, &media.Description{Tracks: tracks})
		require.NoError(t, err)
		s := &shelf{}
		n, at := 0, time.Duration(0)
		for i, b := range script {
			at += time.Duration(int8(b)) << (i % 32)
			_ = m.WritePacket(s, &media.Packet{Track: tracks[b%3], Key: b&4 > 0, DTS: at, PTS: at + time.Duration(b), Data: []byte{b}}, b&4 > 0)
			n++
		}
		_ = m.Flush(s)
		for _, list := range readAll(t, s) {
			n -= len(list)
		}
		require.Zero(t, n)
	})
}

func BenchmarkMuxer(b *testing.B) {
	tracks, packets := reel.Load(b, testmedia.H264())
	m := NewMuxer()
	_, err := m.AppendHeader(nil, &media.Description{Tracks: tracks})
	require.NoError(b, err)
	s := &shelf{}
	size := 0
	for _, p := range packets {
		size += len(p.Data)
	}
	b.SetBytes(int64(size))
	b.ReportAllocs()
	for b.Loop() {
		s.chunks, s.tail = s.chunks[:0], s.tail[:0]
		for _, p := range packets {
			_ = m.WritePacket(s, p, p.Key)
		}
		_ = m.Flush(s)
	}
}
