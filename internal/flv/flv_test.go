package flv

import (
	"bytes"
	"errors"
	"io"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sluice-media/sluice/internal/amf"
	"github.com/sluice-media/sluice/internal/gate"
	"github.com/sluice-media/sluice/internal/testmedia"
	"github.com/sluice-media/sluice/media"
)

const ms = time.Millisecond

// record is a sink that keeps what it gets.
type record struct {
	sets     [][]*media.Track
	metadata map[string]any
	packets  []*media.Packet
}

func (r *record) SetTracks(t ...*media.Track) error { r.sets = append(r.sets, t); return nil }
func (r *record) SetMetadata(md map[string]any)     { r.metadata = md }
func (r *record) WritePacket(p *media.Packet) error { r.packets = append(r.packets, p); return nil }

// demuxFile reads a whole FLV file.
func demuxFile(t testing.TB, r io.Reader) *record {
	t.Helper()
	got := &record{}
	d, tags := NewDemuxer(got), NewReader(r)
	for {
		typ, stamp, body, err := tags.Next()
		if errors.Is(err, io.EOF) {
			return got
		}
		require.NoError(t, err)
		require.NoError(t, d.Tag(typ, stamp, body))
	}
}

func TestRealFiles(t *testing.T) {
	for name, file := range map[string][]byte{"without B-frames": testmedia.H264(), "with B-frames": testmedia.H264B()} {
		t.Run(name, func(t *testing.T) {
			before := bytes.Clone(file)
			got := demuxFile(t, bytes.NewReader(file))
			require.Equal(t, before, file, "the input has been changed")
			require.Len(t, got.sets, 1)
			v, a := got.sets[0][0], got.sets[0][1]
			require.Equal(t, []any{media.H264, 320, 240, 25.0}, []any{v.Codec, v.Width, v.Height, v.FPS})
			require.Equal(t, []any{media.AAC, 44100, 1}, []any{a.Codec, a.SampleRate, a.Channels})
			var pictures, keys int
			reordered := false
			for _, p := range got.packets {
				if p.Track == v {
					pictures++
					reordered = reordered || p.PTS != p.DTS
					if p.Key {
						keys++
					}
				}
			}
			require.Equal(t, 150, pictures)
			require.Equal(t, 3, keys)
			require.Equal(t, name == "with B-frames", reordered)
		})
	}
}

// What is muxed must be demuxed to the same.
func TestMuxerRoundTrip(t *testing.T) {
	want := demuxFile(t, bytes.NewReader(testmedia.H264B()))
	m := NewMuxer(Encoder{})
	d := &media.Description{Tracks: want.sets[0], Metadata: map[string]any{"title": "clip"}}
	file, err := m.AppendHeader(nil, d)
	require.NoError(t, err)
	require.Equal(t, byte(5), file[4])
	for _, p := range want.packets {
		before := len(file)
		file, err = m.AppendPacket(file, p)
		require.NoError(t, err)
		require.Equal(t, m.PacketSize(p), len(file)-before)
	}
	got := demuxFile(t, bytes.NewReader(file))
	require.Equal(t, want.sets, got.sets)
	require.Equal(t, want.packets, got.packets)
	require.Equal(t, "clip", got.metadata["title"])
	require.Equal(t, 7.0, got.metadata["videocodecid"])
	require.Equal(t, 10.0, got.metadata["audiocodecid"])
	require.Equal(t, 320.0, got.metadata["width"])
}

var (
	nal  = []byte{0, 0, 0, 2, 0x65, 1}
	avcC = []byte{1, 0x42, 0, 10, 0xff, 0xe0, 0}
	hvcC = append(make([]byte, 21), 3, 0)
)

func TestEveryCodecBothWays(t *testing.T) {
	for name, c := range map[string]struct {
		track  *media.Track
		data   []byte
		head   string // of the body, as Enhanced RTMP
		legacy string
	}{
		"H264": {&media.Track{ID: 1, Codec: media.H264, ClockRate: 90000, Config: avcC}, nal, "\x17\x01\x00\x00\x28", "\x17\x01\x00\x00\x28"},
		"H265": {&media.Track{ID: 1, Codec: media.H265, ClockRate: 90000, Config: hvcC}, []byte{0, 0, 0, 2, 0x26, 1}, "\x91hvc1\x00\x00\x28", "\x1c\x01\x00\x00\x28"},
		"AV1":  {&media.Track{ID: 1, Codec: media.AV1, ClockRate: 90000, Config: []byte{0x81, 0, 0, 0}}, []byte("obus"), "\x91av01", "\x1d\x01\x00\x00\x28"},
		"VP8":  {&media.Track{ID: 1, Codec: media.VP8, ClockRate: 90000, Config: []byte{1}}, []byte("pic"), "\x91vp08", "\x1e\x01\x00\x00\x28"},
		"VP9":  {&media.Track{ID: 1, Codec: media.VP9, ClockRate: 90000, Config: []byte{1}}, []byte("pic"), "\x91vp09", "\x1f\x01\x00\x00\x28"},
		"AAC":  {&media.Track{ID: 2, Codec: media.AAC, ClockRate: 44100, SampleRate: 44100, Channels: 2, Config: []byte{0x12, 0x10}}, []byte("raw"), "\xaf\x01", "\xaf\x01"},
		"MP3":  {&media.Track{ID: 2, Codec: media.MP3, ClockRate: 44100, SampleRate: 44100, Channels: 2}, []byte("\xff\xfb\x90\x00rest"), "\x2f", "\x2f"},
		"PCMA": {&media.Track{ID: 2, Codec: media.G711A, ClockRate: 8000, SampleRate: 8000, Channels: 1}, []byte("alaw"), "\x72", "\x72"},
		"PCMU": {&media.Track{ID: 2, Codec: media.G711U, ClockRate: 8000, SampleRate: 8000, Channels: 1}, []byte("ulaw"), "\x82", "\x82"},
		"Opus": {&media.Track{ID: 2, Codec: media.Opus, ClockRate: 48000, SampleRate: 48000, Channels: 2, Config: []byte{1, 2, 0, 0, 0x80, 0xbb, 0, 0, 0, 0, 0}}, []byte("opus"), "\x91Opus", "\xde"},
	} {
		for _, legacy := range []bool{false, true} {
			e, head := Encoder{Legacy: legacy}, c.head
			if legacy {
				head = c.legacy
			}
			p := &media.Packet{Track: c.track, DTS: 80 * ms, PTS: 80 * ms, Data: c.data}
			if c.track.Codec.Video() {
				p.Key, p.PTS = true, 120*ms
			}
			body := e.AppendBody(nil, p)
			if !legacy || name != "Opus" {
				require.Equal(t, head, string(body[:len(head)]), name)
			}
			require.Equal(t, e.BodySize(p), len(body), name)
			got := &record{}
			d := NewDemuxer(got)
			if config := e.AppendSequenceHeader(nil, c.track); len(config) > 0 {
				require.NoError(t, d.Tag(e.TagType(p), 0, config), name)
				require.NoError(t, d.Tag(e.TagType(p), 0, config), "the same again")
			}
			require.NoError(t, d.Tag(e.TagType(p), 80*ms, body), name)
			require.NoError(t, d.gate.Open())
			require.Len(t, got.sets, 1, name)
			require.Equal(t, c.track.Codec, got.sets[0][0].Codec, name)
			require.Len(t, got.packets, 1, name)
			require.Equal(t, c.data, got.packets[0].Data, name)
			require.Equal(t, p.Key, got.packets[0].Key, name)
			if c.track.Codec == media.H264 || c.track.Codec == media.H265 || legacy {
				require.Equal(t, p.PTS, got.packets[0].PTS, name)
			}
			if !legacy || name != "Opus" {
				require.Equal(t, c.track, got.packets[0].Track, name)
			}
		}
	}
	require.Zero(t, Encoder{}.TagType(&media.Packet{Track: &media.Track{Codec: media.JPEG}}))
	out, err := NewMuxer(Encoder{}).AppendPacket(nil, &media.Packet{Track: &media.Track{Codec: media.JPEG}})
	require.NoError(t, err)
	require.Empty(t, out)
}

func TestNALLengthsBecomeFour(t *testing.T) {
	for size := 1; size <= 3; size++ {
		config := bytes.Clone(avcC)
		config[4] = 0xfc | byte(size-1)
		unit := append(make([]byte, size-1), 2, 0x41, 9)
		got := &record{}
		d := NewDemuxer(got)
		require.NoError(t, d.Tag(TagVideo, 0, append([]byte{0x17, 0, 0, 0, 0}, config...)))
		require.NoError(t, d.Tag(TagVideo, 0, append([]byte{0x27, 1, 0xff, 0xff, 0xd8}, append(unit, unit...)...)))
		require.NoError(t, d.gate.Open())
		require.Equal(t, []byte{0, 0, 0, 2, 0x41, 9, 0, 0, 0, 2, 0x41, 9}, got.packets[0].Data)
		require.Equal(t, -40*ms, got.packets[0].PTS, "composition time is signed")
		require.Equal(t, byte(0xff), got.sets[0][0].Config[4])
		require.Equal(t, 0xfc|byte(size-1), config[4], "the input has been changed")
	}
}

func TestKeyFramesByTheirContent(t *testing.T) {
	for _, c := range []struct {
		codec media.Codec
		data  []byte
		want  bool
	}{
		{media.VP8, []byte{0x10}, true},
		{media.VP8, []byte{0x11}, false},
		{media.VP9, []byte{0x82}, true},
		{media.VP9, []byte{0x86}, false},
		{media.VP9, []byte{0xb0}, true},
		{media.VP9, []byte{0xb2}, false},
		{media.VP9, []byte{0x00}, false},
		{media.AV1, []byte{0x12, 0, 0x0a, 1, 9, 0x32, 1, 9}, true},
		{media.AV1, []byte{0x12, 0, 0x32, 1, 9}, false},
		{media.AV1, []byte{0x36, 0, 1, 9, 0x08}, true},
		{media.AV1, []byte{0x0a}, false},
		{media.AV1, []byte{0x32, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}, false},
		{media.AV1, []byte{0x80}, false},
	} {
		require.Equal(t, c.want, startsHere(c.codec, c.data), "%v %x", c.codec, c.data)
	}
	require.Equal(t, []byte{0x32, 0}, withoutDelimiter([]byte{0x12, 0, 0x32, 0}))
	require.Equal(t, []byte{0x32, 0}, withoutDelimiter([]byte{0x32, 0}))
}

func TestHoldBack(t *testing.T) {
	videoConfig := append([]byte{0x17, 0, 0, 0, 0}, avcC...)
	picture := append([]byte{0x17, 1, 0, 0, 0}, nal...)
	audioConfig, sound := []byte{0xaf, 0, 0x12, 0x10}, []byte{0xaf, 1, 1, 2}
	announce := func(keys ...string) []byte {
		var list []amf.Property
		for _, k := range keys {
			list = append(list, amf.Property{Key: k, Value: 7.0})
		}
		return amf.AppendECMAArray(amf.AppendString(amf.AppendString(nil, "@setDataFrame"), onMetaData), list)
	}
	t.Run("until both are there", func(t *testing.T) {
		got := &record{}
		d := NewDemuxer(got)
		require.NoError(t, d.Tag(TagVideo, 0, videoConfig))
		require.NoError(t, d.Tag(TagVideo, 0, picture))
		require.Empty(t, got.sets)
		require.NoError(t, d.Tag(TagAudio, 0, audioConfig))
		require.Len(t, got.sets[0], 2)
		require.Len(t, got.packets, 1)
	})
	t.Run("metadata says there is only video", func(t *testing.T) {
		got := &record{}
		d := NewDemuxer(got)
		require.NoError(t, d.Tag(TagScript, 0, announce("width", "videocodecid")))
		require.NoError(t, d.Tag(TagVideo, 0, videoConfig))
		require.Len(t, got.sets[0], 1)
		require.NoError(t, d.Tag(TagAudio, 0, audioConfig))
		require.Len(t, got.sets[1], 2, "what comes late is added")
		require.NoError(t, d.Tag(TagAudio, 0, sound))
		require.Len(t, got.packets, 1)
	})
	t.Run("gives up after a while", func(t *testing.T) {
		for _, step := range []time.Duration{10 * ms, 500 * ms} {
			got := &record{}
			d := NewDemuxer(got)
			require.NoError(t, d.Tag(TagAudio, 0, audioConfig))
			for i := range gate.MaxHeld {
				require.NoError(t, d.Tag(TagAudio, time.Duration(i)*step, sound))
			}
			require.Len(t, got.sets, 1)
			require.Len(t, got.packets, gate.MaxHeld)
		}
	})
	t.Run("gives up when it is much", func(t *testing.T) {
		got := &record{}
		d := NewDemuxer(got)
		require.NoError(t, d.Tag(TagVideo, 0, videoConfig))
		size := 5 << 20
		large := append([]byte{0x17, 1, 0, 0, 0, 0, byte(size >> 16), 0, 0}, make([]byte, size)...)
		for i := range 4 {
			require.False(t, d.Started())
			require.NoError(t, d.Tag(TagVideo, time.Duration(i)*ms, large))
		}
		require.True(t, d.Started())
		require.Len(t, got.packets, 4)
	})
	t.Run("new parameters, same track", func(t *testing.T) {
		got := &record{}
		d := NewDemuxer(got)
		require.NoError(t, d.Tag(TagVideo, 0, videoConfig))
		require.NoError(t, d.gate.Open())
		other := bytes.Clone(videoConfig)
		other[7] = 1
		require.NoError(t, d.Tag(TagVideo, 0, other))
		require.NoError(t, d.Tag(TagVideo, 0, picture))
		require.Len(t, got.sets, 1)
		require.NotSame(t, got.sets[0][0], got.packets[0].Track)
		require.Equal(t, got.sets[0][0].ID, got.packets[0].Track.ID)
	})
}

func TestBadTags(t *testing.T) {
	for name, c := range map[string]struct {
		typ  byte
		body []byte
		want error
	}{
		"empty video":                   {TagVideo, nil, ErrBadTag},
		"empty audio":                   {TagAudio, nil, ErrBadTag},
		"short video":                   {TagVideo, []byte{0x17, 1}, ErrBadTag},
		"unknown video":                 {TagVideo, []byte{0x12, 0, 0, 0, 0}, ErrUnsupported},
		"unknown letters":               {TagVideo, []byte("\x91abcd123"), ErrUnsupported},
		"short letters":                 {TagVideo, []byte("\x91ab"), ErrBadTag},
		"several tracks":                {TagVideo, []byte("\x96\x10hvc1\x00"), ErrUnsupported},
		"endless extension":             {TagVideo, []byte("\x97\xff\xff\xff\x00"), ErrBadTag},
		"unknown audio":                 {TagAudio, []byte{0x50, 0}, ErrUnsupported},
		"FLAC":                          {TagAudio, []byte("\x91fLaC"), ErrUnsupported},
		"short avcC":                    {TagVideo, []byte{0x17, 0, 0, 0, 0, 1, 2}, ErrBadTag},
		"avcC ends early":               {TagVideo, []byte{0x17, 0, 0, 0, 0, 1, 2, 3, 4, 0xff, 0xe1, 0xff, 0xff}, ErrBadTag},
		"short hvcC":                    {TagVideo, []byte("\x90hvc1abc"), ErrBadTag},
		"hvcC ends early":               {TagVideo, append([]byte("\x90hvc1"), append(make([]byte, 21), 0xff, 9, 1, 2)...), ErrBadTag},
		"short AAC config":              {TagAudio, []byte{0xaf, 0, 1}, ErrBadTag},
		"script":                        {TagScript, []byte{2, 0, 99}, ErrBadTag},
		"metadata is no array":          {TagScript, amf.Append(nil, "onMetaData", 1.0), nil},
		"a tag of no kind":              {99, nil, nil},
		"text":                          {TagScript, amf.Append(nil, "onTextData", amf.Object{}), nil},
		"one track in a multitrack tag": {TagVideo, append([]byte("\x96\x00hvc1\x00"), hvcC...), nil},
		"extension":                     {TagVideo, append([]byte("\x97\x02abc\x00hvc1"), hvcC...), nil},
	} {
		t.Run(name, func(t *testing.T) {
			err := NewDemuxer(&record{}).Tag(c.typ, 0, c.body)
			if c.want == nil {
				require.NoError(t, err)
			} else {
				require.ErrorIs(t, err, c.want)
			}
		})
	}
	got := &record{}
	d := NewDemuxer(got)
	require.NoError(t, d.Tag(TagVideo, 0, append([]byte{0x17, 0, 0, 0, 0}, avcC...)))
	require.ErrorIs(t, d.Tag(TagVideo, 0, []byte{0x17, 1, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 1}), ErrBadTag)
	require.ErrorIs(t, d.Tag(TagVideo, 0, []byte{0x17, 1, 0, 0, 0, 1, 2}), ErrBadTag)
	require.NoError(t, d.Tag(TagVideo, 0, []byte{0x17, 1, 0, 0, 0, 0, 0, 0, 0}), "a picture of nothing is passed over")
	require.NoError(t, d.Tag(TagVideo, 0, []byte{0x57, 1}), "a command is no picture")
	require.NoError(t, d.gate.Open())
	require.Empty(t, got.packets)
}

func TestReaderRefuses(t *testing.T) {
	for name, file := range map[string]string{
		"no FLV": "MP4 or so", "long header": "FLV\x01\x05\xff\xff\xff\xff1234",
		"ends in a tag": "FLV\x01\x05\x00\x00\x00\x09\x00\x00\x00\x00\x09\xff\xff\xff\x00\x00\x00\x00\x00\x00\x00abc",
	} {
		_, _, _, err := NewReader(bytes.NewReader([]byte(file))).Next()
		require.Error(t, err, name)
		require.NotErrorIs(t, err, io.EOF, name)
	}
}

func FuzzTag(f *testing.F) {
	f.Add(byte(TagVideo), append([]byte{0x17, 0, 0, 0, 0}, avcC...))
	f.Add(byte(TagVideo), []byte("\x97\x02abc\x06\x00hvc1\x00"))
	f.Add(byte(TagAudio), []byte{0xaf, 0, 0x12, 0x10})
	f.Add(byte(TagScript), amf.Append(nil, "onMetaData", amf.ECMAArray{{Key: "width", Value: 1.0}}))
	f.Fuzz(func(t *testing.T, typ byte, body []byte) {
		before := bytes.Clone(body)
		got := &record{}
		d := NewDemuxer(got)
		_ = d.setVideo(media.H264, avcC)
		_ = d.Tag(typ, 0, body)
		_ = d.gate.Open()
		require.Equal(t, before, body)
		for _, p := range got.packets {
			require.NotNil(t, p.Track)
			require.NotEmpty(t, p.Data)
			e := Encoder{}
			require.Len(t, e.AppendBody(nil, p), e.BodySize(p))
		}
	})
}

func FuzzSequenceHeader(f *testing.F) {
	f.Add(0, avcC)
	f.Add(1, hvcC)
	f.Add(2, []byte{0x12, 0x10})
	f.Add(5, []byte("OpusHead\x01\x02"))
	f.Fuzz(func(t *testing.T, codec int, b []byte) {
		if c := media.Codec(codec); c.Video() {
			tr, size, err := newVideo(c, b)
			if err == nil {
				require.NotNil(t, tr)
				require.LessOrEqual(t, size, 4)
			}
			return
		}
		_, _ = newAudio(tag{codec: media.Codec(codec), kind: kindSequenceStart, data: b})
	})
}

func FuzzReader(f *testing.F) {
	f.Add(testmedia.H264()[:2000])
	f.Add([]byte("FLV\x01\x05\x00\x00\x00\x09\x00\x00\x00\x00\x09\xff\xff\xff"))
	f.Fuzz(func(t *testing.T, b []byte) {
		r := NewReader(bytes.NewReader(b))
		for {
			_, _, body, err := r.Next()
			if err != nil {
				return
			}
			require.LessOrEqual(t, len(body), len(b))
		}
	})
}

func BenchmarkMuxer(b *testing.B) {
	clip := demuxFile(b, bytes.NewReader(testmedia.H264()))
	m := NewMuxer(Encoder{})
	dst := make([]byte, 0, 1<<20)
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		if _, err := m.AppendPacket(dst, clip.packets[i%len(clip.packets)]); err != nil {
			b.Fatal(err)
		}
	}
}

func TestStampsUnroll(t *testing.T) {
	var s stamps
	for _, c := range []struct {
		in   uint32
		want time.Duration
	}{{0xfffffff0, 0xfffffff0}, {0x10, 0x100000010}, {0x8, 0x100000008}, {0x28, 0x100000028}} {
		require.Equal(t, c.want*time.Millisecond, s.unroll(c.in))
	}
}
