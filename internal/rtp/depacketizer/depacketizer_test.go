package depacketizer

import (
	"bytes"
	"encoding/binary"
	"testing"
	"time"

	"github.com/bluenviron/gortsplib/v4/pkg/format/rtpav1"
	"github.com/bluenviron/gortsplib/v4/pkg/format/rtph264"
	"github.com/bluenviron/gortsplib/v4/pkg/format/rtph265"
	"github.com/bluenviron/gortsplib/v4/pkg/format/rtpmpeg1audio"
	"github.com/bluenviron/gortsplib/v4/pkg/format/rtpmpeg4audio"
	"github.com/bluenviron/gortsplib/v4/pkg/format/rtpsimpleaudio"
	"github.com/bluenviron/gortsplib/v4/pkg/format/rtpvp8"
	"github.com/bluenviron/gortsplib/v4/pkg/format/rtpvp9"
	"github.com/pion/rtp"
	"github.com/stretchr/testify/require"

	"github.com/sluice-media/sluice/internal/h26x"
	"github.com/sluice-media/sluice/internal/rtp/packetizer"
	"github.com/sluice-media/sluice/media"
)

var (
	avcSPS = []byte{0x67, 0x64, 0x00, 0x0c, 0xac, 0x3b, 0x50, 0xb0, 0x4b, 0x42, 0x00, 0x00, 0x03, 0x00, 0x02, 0x00, 0x00, 0x03, 0x00, 0x3d, 0x08}
	avcPPS = []byte{0x68, 0xee, 0x3c, 0x80}

	hevcVPS = []byte{0x40, 0x01, 0x0c, 0x01, 0xff, 0xff, 0x01, 0x60, 0x00, 0x00, 0x03, 0x00, 0x90, 0x00, 0x00, 0x03, 0x00, 0x00, 0x03, 0x00, 0x78, 0x99, 0x98, 0x09}
	hevcSPS = []byte{
		0x42, 0x01, 0x01, 0x01, 0x60, 0x00, 0x00, 0x03, 0x00, 0x90, 0x00, 0x00, 0x03, 0x00, 0x00, 0x03, 0x00, 0x78, 0xa0, 0x03, 0xc0, 0x80,
		0x10, 0xe5, 0x96, 0x66, 0x69, 0x24, 0xca, 0xe0, 0x10, 0x00, 0x00, 0x03, 0x00, 0x10, 0x00, 0x00, 0x03, 0x01, 0xe0, 0x80,
	}
	hevcPPS = []byte{0x44, 0x01, 0xc1, 0x72, 0xb4, 0x62, 0x40}
)

func newTest(t testing.TB, codec media.Codec, config []byte, params map[string]string) *Depacketizer {
	t.Helper()
	d, err := New(Source{Track: &media.Track{ID: 1, Codec: codec, ClockRate: 90000, Config: config}, PayloadType: 96, Params: params})
	require.NoError(t, err)
	return d
}

func pushAll(t testing.TB, d *Depacketizer, packets []*rtp.Packet) (units []Unit) {
	t.Helper()
	for _, p := range packets {
		q := *p
		q.Payload = bytes.Clone(p.Payload)
		got, err := d.Push(&q, false)
		require.NoError(t, err)
		units = append(units, got...)
		clear(q.Payload) // it must not have been kept
	}
	return units
}

func lengths(nals ...[]byte) (b []byte) {
	for _, n := range nals {
		b = append(binary.BigEndian.AppendUint32(b, uint32(len(n))), n...)
	}
	return b
}

func filled(head []byte, n int) []byte {
	b := append([]byte(nil), head...)
	for i := len(head); i < n; i++ {
		b = append(b, byte(i)|1)
	}
	return b
}

func one(packets []*rtp.Packet, err error) []*rtp.Packet {
	if err != nil {
		panic(err)
	}
	return packets
}

// What independent encoders pack comes out as it was.
func TestIndependentEncoders(t *testing.T) {
	idr, p := filled([]byte{0x65, 0x88}, 5000), filled([]byte{0x41, 0x9a}, 40)
	irap, trail := filled([]byte{0x26, 0x01, 0x80}, 5000), filled([]byte{0x02, 0x01, 0x80}, 40)
	au := filled(nil, 300)
	mp3 := append([]byte{0xff, 0xfb, 0x90, 0x00}, make([]byte, 413)...)
	tu := [][]byte{{0x08, 0, 0, 0, 66, 167, 191, 228, 96, 13, 0, 64}, filled([]byte{0x30}, 3000)}
	h264 := &rtph264.Encoder{PayloadType: 96, PacketizationMode: 1}
	require.NoError(t, h264.Init())
	h265 := &rtph265.Encoder{PayloadType: 96}
	require.NoError(t, h265.Init())
	aac := &rtpmpeg4audio.Encoder{PayloadType: 96, SizeLength: 13, IndexLength: 3, IndexDeltaLength: 3}
	require.NoError(t, aac.Init())
	mpa := &rtpmpeg1audio.Encoder{}
	require.NoError(t, mpa.Init())
	simple := &rtpsimpleaudio.Encoder{PayloadType: 96}
	require.NoError(t, simple.Init())
	vp8 := &rtpvp8.Encoder{PayloadType: 96}
	require.NoError(t, vp8.Init())
	vp9 := &rtpvp9.Encoder{PayloadType: 96}
	require.NoError(t, vp9.Init())
	av1 := &rtpav1.Encoder{PayloadType: 96}
	require.NoError(t, av1.Init())
	vp8Key, vp9Key := filled([]byte{0x10, 0, 0}, 4000), filled([]byte{0x82, 0x49, 0x83, 0x42, 0x00, 0x77, 0xf0, 0x32, 0x34}, 4000)
	g711, err := simple.Encode(au)
	require.NoError(t, err)
	av1Data := append([]byte{0x0a, 11, 0, 0, 0, 66, 167, 191, 228, 96, 13, 0, 64}, append([]byte{0x32, 0xb7, 0x17}, tu[1][1:]...)...)
	for name, c := range map[string]struct {
		codec   media.Codec
		packets []*rtp.Packet
		want    [][]byte
		keys    []bool
		stamps  []uint32
	}{
		"H.264": {media.H264, append(one(h264.Encode([][]byte{avcSPS, avcPPS, idr})), one(h264.Encode([][]byte{p, p}))...), [][]byte{lengths(idr), lengths(p, p)}, []bool{true, false}, nil},
		"H.265": {media.H265, append(one(h265.Encode([][]byte{hevcVPS, hevcSPS, hevcPPS, irap})), one(h265.Encode([][]byte{trail, trail}))...), [][]byte{lengths(irap), lengths(trail, trail)}, []bool{true, false}, nil},
		"AAC":   {media.AAC, one(aac.Encode([][]byte{au, au[:100], au[:7]})), [][]byte{au, au[:100], au[:7]}, nil, []uint32{0, 1024, 2048}},
		"PCMA":  {media.G711A, []*rtp.Packet{g711}, [][]byte{au}, nil, nil},
		"Opus":  {media.Opus, []*rtp.Packet{g711}, [][]byte{au}, nil, nil},
		"MP3":   {media.MP3, one(mpa.Encode([][]byte{mp3, mp3})), [][]byte{mp3, mp3}, nil, []uint32{0, 2351}},
		"VP8":   {media.VP8, one(vp8.Encode(vp8Key)), [][]byte{vp8Key}, []bool{true}, nil},
		"VP9":   {media.VP9, one(vp9.Encode(vp9Key)), [][]byte{vp9Key}, []bool{true}, nil},
		"AV1":   {media.AV1, one(av1.Encode(tu)), [][]byte{av1Data}, []bool{true}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			d := newTest(t, c.codec, nil, nil)
			if c.codec == media.MP3 {
				d.source.PayloadType = 14
			}
			for i, p := range c.packets { // pictures differ in their time
				if c.codec.Video() && i > 0 {
					p.Timestamp = c.packets[i-1].Timestamp
					if c.packets[i-1].Marker {
						p.Timestamp += 3600
					}
				}
			}
			units := pushAll(t, d, c.packets)
			require.Len(t, units, len(c.want))
			for i, u := range units {
				require.True(t, bytes.Equal(c.want[i], u.Data), "unit %d: %d bytes, not %d", i, len(u.Data), len(c.want[i]))
				require.False(t, u.Gap)
				if c.keys != nil {
					require.Equal(t, c.keys[i], u.Key)
				}
				if c.stamps != nil {
					require.Equal(t, c.stamps[i], u.Stamp-units[0].Stamp)
				}
			}
		})
	}
}

// packetize gives pictures as RTP, of few bytes a packet.
func packetize(t testing.TB, track *media.Track, pictures []media.Packet) (packets []*rtp.Packet) {
	t.Helper()
	z, err := packetizer.New(track, packetizer.Config{PayloadType: 96, ClockRate: 90000, MaxPayload: 300})
	require.NoError(t, err)
	for i := range pictures {
		b, err := z.Append(nil, &pictures[i])
		require.NoError(t, err)
		for len(b) > 0 {
			n := 4 + int(binary.BigEndian.Uint16(b[2:]))
			p := &rtp.Packet{}
			require.NoError(t, p.Unmarshal(b[4:n]))
			packets = append(packets, p)
			b = b[n:]
		}
	}
	return packets
}

// Whichever packets are lost, what comes out is whole; and what is whole comes out.
func TestLoss(t *testing.T) {
	for _, codec := range []media.Codec{media.H264, media.H265} {
		t.Run(codec.String(), func(t *testing.T) {
			sets := h26x.Sets{SPS: [][]byte{avcSPS}, PPS: [][]byte{avcPPS}}
			key, other := []byte{0x65, 0x88}, []byte{0x41, 0x9a}
			if codec == media.H265 {
				sets = h26x.Sets{VPS: [][]byte{hevcVPS}, SPS: [][]byte{hevcSPS}, PPS: [][]byte{hevcPPS}}
				key, other = []byte{0x26, 0x01, 0x80}, []byte{0x02, 0x01, 0x80}
			}
			track := &media.Track{ID: 1, Codec: codec, Config: sets.Config(codec)}
			var pictures []media.Packet
			want := map[string]int{}
			for i := range 12 {
				head, size := other, 100+i*137
				if i%6 == 0 {
					head, size = key, 1500+i
				}
				pic := lengths(filled(head, size), filled(append(bytes.Clone(head[:len(head)-1]), 0x41), 50+i)) // two slices
				pictures = append(pictures, media.Packet{Track: track, PTS: time.Duration(i) * 40 * time.Millisecond, Key: i%6 == 0, Data: pic})
				want[string(pic)] = i
			}
			packets := packetize(t, track, pictures)
			require.Greater(t, len(packets), 30)
			for _, length := range []int{1, 2, 5} {
				for first := range packets {
					d, err := New(Source{Track: track, PayloadType: 96})
					require.NoError(t, err)
					hit := map[uint32]bool{} // pictures of which a packet is lost
					var units []Unit
					lost := false
					for i, p := range packets {
						if i >= first && i < first+length {
							hit[p.Timestamp], lost = true, true
							continue
						}
						got, err := d.Push(p, lost)
						require.NoError(t, err)
						lost = false
						units = append(units, got...)
					}
					last := -1
					for _, u := range units {
						i, ok := want[string(u.Data)]
						require.True(t, ok, "losing %d from %d: a torn picture", length, first)
						require.True(t, i == last+1 || u.Gap)
						last = i
					}
					// One of which only the parameter sets are lost is whole.
					require.GreaterOrEqual(t, len(units), len(pictures)-len(hit), "losing %d from %d", length, first)
				}
			}
		})
	}
}

// Senders that do not set the marker, or set it on each packet of parameter sets.
func TestMarkers(t *testing.T) {
	track := &media.Track{ID: 1, Codec: media.H264, Config: h26x.Sets{SPS: [][]byte{avcSPS}, PPS: [][]byte{avcPPS}}.Config(media.H264)}
	var pictures []media.Packet
	for i := range 5 {
		pictures = append(pictures, media.Packet{Track: track, PTS: time.Duration(i) * 40 * time.Millisecond, Data: lengths(filled([]byte{0x41, 0x9a}, 900))})
	}
	packets := packetize(t, track, pictures)
	for _, p := range packets {
		p.Marker = false
	}
	require.Len(t, pushAll(t, newTest(t, media.H264, nil, nil), packets), 4, "the last one may go on")

	d := newTest(t, media.H264, nil, nil)
	units := pushAll(t, d, []*rtp.Packet{
		{Header: rtp.Header{PayloadType: 96, Marker: true, Timestamp: 5}, Payload: avcSPS},
		{Header: rtp.Header{PayloadType: 96, Marker: true, Timestamp: 5}, Payload: avcPPS},
		{Header: rtp.Header{PayloadType: 96, Marker: true, Timestamp: 5}, Payload: filled([]byte{0x65, 0x88}, 50)},
	})
	require.Len(t, units, 1)
	require.NotEmpty(t, units[0].Track.Config)
	require.Equal(t, 1, units[0].Track.ID)
	require.Positive(t, units[0].Track.Width)
}

func TestParameterSetsInBand(t *testing.T) {
	d := newTest(t, media.H264, nil, nil)
	packet := func(stamp uint32, nals ...[]byte) []*rtp.Packet {
		var list []*rtp.Packet
		for i, n := range nals {
			list = append(list, &rtp.Packet{Header: rtp.Header{PayloadType: 96, Timestamp: stamp, Marker: i == len(nals)-1}, Payload: n})
		}
		return list
	}
	slice := filled([]byte{0x65, 0x88}, 50)
	units := pushAll(t, d, packet(1, []byte{9, 0x10}, avcSPS, avcPPS, slice))
	first := units[0].Track
	require.Equal(t, lengths(slice), units[0].Data, "neither sets nor delimiters")
	units = pushAll(t, d, packet(2, avcSPS, avcPPS, slice))
	require.Same(t, first, units[0].Track, "the same sets are the same track")
	other := bytes.Clone(avcPPS)
	other[2] ^= 4
	units = pushAll(t, d, packet(3, avcSPS, other, slice))
	require.NotSame(t, first, units[0].Track)
	require.Same(t, d.Track(), units[0].Track)
	sets, _, err := h26x.Parse(media.H264, units[0].Track.Config)
	require.NoError(t, err)
	require.Equal(t, [][]byte{other}, sets.PPS)
}

func TestAnnexB(t *testing.T) {
	d := newTest(t, media.H264, nil, nil)
	slice := filled([]byte{0x65, 0x88}, 50)
	for _, code := range [][]byte{{0, 0, 1}, {0, 0, 0, 1}} {
		b := append(bytes.Clone(code), avcSPS...)
		b = append(append(b, code...), avcPPS...)
		b = append(append(b, code...), slice...)
		units := pushAll(t, d, []*rtp.Packet{{Header: rtp.Header{PayloadType: 96, Marker: true}, Payload: b}})
		require.Len(t, units, 1)
		require.Equal(t, lengths(slice), units[0].Data)
	}
	require.NotEmpty(t, d.Track().Config)
}

func TestFragmentedAAC(t *testing.T) {
	au := filled(nil, 1000)
	for _, own := range []bool{false, true} { // whether headers tell the fragment's size
		d := newTest(t, media.AAC, nil, nil)
		var units []Unit
		for at := 0; at < len(au); at += 400 {
			part := au[at:min(at+400, len(au))]
			size := len(au)
			if own && at > 0 {
				size = len(part)
			}
			b := binary.BigEndian.AppendUint16([]byte{0, 16}, uint16(size<<3))
			units = append(units, pushAll(t, d, []*rtp.Packet{{
				Header:  rtp.Header{PayloadType: 96, Timestamp: 9, Marker: at+400 >= len(au)},
				Payload: append(b, part...),
			}})...)
		}
		require.Len(t, units, 1)
		require.Equal(t, au, units[0].Data)
	}
}

func TestRefused(t *testing.T) {
	_, err := New(Source{Track: &media.Track{Codec: media.ADPCM}})
	require.ErrorIs(t, err, ErrUnsupported)
	_, err = New(Source{Track: &media.Track{Codec: media.AAC}, Encoding: "MP4A-LATM"})
	require.ErrorIs(t, err, ErrUnsupported)
	d := newTest(t, media.H264, nil, nil)
	_, err = d.Push(&rtp.Packet{Header: rtp.Header{PayloadType: 13}, Payload: []byte{1}}, false)
	require.ErrorIs(t, err, ErrBadPacket)
	_, err = d.Push(&rtp.Packet{Header: rtp.Header{PayloadType: 13}}, false)
	require.NoError(t, err)
	for i := range maxUnit/60000 + 2 { // a picture without an end
		payload := filled([]byte{0x7c, 0x05}, 60000)
		if i == 0 {
			payload[1] |= 0x80
		}
		if _, err = d.Push(&rtp.Packet{Header: rtp.Header{PayloadType: 96}, Payload: payload}, false); err != nil {
			break
		}
	}
	require.ErrorIs(t, err, ErrBadPacket)
}

func TestRaw(t *testing.T) {
	d := newTest(t, media.RawRTP, nil, nil)
	p := &rtp.Packet{Header: rtp.Header{Version: 2, PayloadType: 96, SequenceNumber: 7, Timestamp: 8, SSRC: 9, Marker: true}, Payload: []byte("abc")}
	units := pushAll(t, d, []*rtp.Packet{p})
	want, err := p.Marshal()
	require.NoError(t, err)
	require.Equal(t, want, units[0].Data)
}

func BenchmarkPushH264(b *testing.B) {
	track := &media.Track{ID: 1, Codec: media.H264, Config: h26x.Sets{SPS: [][]byte{avcSPS}, PPS: [][]byte{avcPPS}}.Config(media.H264)}
	z, _ := packetizer.New(track, packetizer.Config{PayloadType: 96, ClockRate: 90000})
	buf, _ := z.Append(nil, &media.Packet{Track: track, Data: lengths(filled([]byte{0x41, 0x9a}, 10000))})
	var packets []*rtp.Packet
	for len(buf) > 0 {
		n := 4 + int(binary.BigEndian.Uint16(buf[2:]))
		p := &rtp.Packet{}
		_ = p.Unmarshal(buf[4:n])
		packets = append(packets, p)
		buf = buf[n:]
	}
	d := newTest(b, media.H264, track.Config, nil)
	b.ReportAllocs()
	for i := range b.N {
		for _, p := range packets {
			p.Timestamp = uint32(i)
			if _, err := d.Push(p, false); err != nil {
				b.Fatal(err)
			}
		}
	}
	b.ReportMetric(float64(len(packets)), "packets/op")
}
