package depacketizer

import (
	"bytes"
	"image"
	"image/jpeg"
	"testing"

	"github.com/bluenviron/gortsplib/v4/pkg/format/rtpav1"
	"github.com/bluenviron/gortsplib/v4/pkg/format/rtph264"
	"github.com/bluenviron/gortsplib/v4/pkg/format/rtph265"
	"github.com/bluenviron/gortsplib/v4/pkg/format/rtpmjpeg"
	"github.com/bluenviron/gortsplib/v4/pkg/format/rtpmpeg1audio"
	"github.com/bluenviron/gortsplib/v4/pkg/format/rtpmpeg4audio"
	"github.com/bluenviron/gortsplib/v4/pkg/format/rtpvp8"
	"github.com/bluenviron/gortsplib/v4/pkg/format/rtpvp9"
	"github.com/pion/rtp"
	"github.com/stretchr/testify/require"

	"github.com/sluice-media/sluice/media"
)

// lossCase is a stream to lose packets of.
type lossCase struct {
	name    string
	source  Source
	packets []*rtp.Packet
	spare   int // how many whole units a loss may cost, beside those it hits
}

// stream packs units one by one, each with a timestamp of its own.
func stream(t testing.TB, units int, encode func(i int) ([]*rtp.Packet, error)) (packets []*rtp.Packet) {
	t.Helper()
	for i := range units {
		list, err := encode(i)
		require.NoError(t, err)
		for _, p := range list {
			p.PayloadType = 96
			p.Timestamp = uint32(i) * 3600
			packets = append(packets, p)
		}
	}
	return packets
}

// marked is filled with what differs from unit to unit.
func marked(i int, head []byte, n int) []byte {
	b := filled(head, n)
	for at := len(head); at < len(b); at += 7 {
		b[at] = byte(i)<<1 | 1
	}
	return b
}

func testJPEG(t testing.TB, i int) []byte {
	m := image.NewYCbCr(image.Rect(0, 0, 64, 64), image.YCbCrSubsampleRatio420)
	for at := range m.Y {
		m.Y[at] = byte(at * (at + i))
	}
	var b bytes.Buffer
	require.NoError(t, jpeg.Encode(&b, m, nil))
	return b.Bytes()
}

func lossCases(t testing.TB) (cases []lossCase) {
	t.Helper()
	source := func(codec media.Codec) Source {
		return Source{Track: &media.Track{ID: 1, Codec: codec, ClockRate: 90000}, PayloadType: 96}
	}
	h264 := &rtph264.Encoder{PayloadType: 96, PacketizationMode: 1, PayloadMaxSize: 300}
	h265 := &rtph265.Encoder{PayloadType: 96, PayloadMaxSize: 300}
	aac := &rtpmpeg4audio.Encoder{PayloadType: 96, SizeLength: 13, IndexLength: 3, IndexDeltaLength: 3, PayloadMaxSize: 300}
	mp3 := &rtpmpeg1audio.Encoder{PayloadMaxSize: 200}
	vp8 := &rtpvp8.Encoder{PayloadType: 96, PayloadMaxSize: 300}
	vp9 := &rtpvp9.Encoder{PayloadType: 96, PayloadMaxSize: 300}
	av1 := &rtpav1.Encoder{PayloadType: 96, PayloadMaxSize: 300}
	mjpeg := &rtpmjpeg.Encoder{PayloadMaxSize: 700}
	for _, e := range []interface{ Init() error }{h264, h265, aac, mp3, vp8, vp9, av1, mjpeg} {
		require.NoError(t, e.Init())
	}
	return []lossCase{
		{"H.264", source(media.H264), stream(t, 8, func(i int) ([]*rtp.Packet, error) {
			if i%4 == 0 {
				return h264.Encode([][]byte{{9, 0x10}, avcSPS, avcPPS, marked(i, []byte{0x65, 0x88}, 1000)})
			}
			return h264.Encode([][]byte{marked(i, []byte{0x41, 0x9a}, 90*i), marked(i, []byte{0x41, 0x42}, 400)})
		}), 0},
		{"H.265", source(media.H265), stream(t, 8, func(i int) ([]*rtp.Packet, error) {
			if i%4 == 0 {
				return h265.Encode([][]byte{hevcVPS, hevcSPS, hevcPPS, marked(i, []byte{0x26, 1, 0x80}, 1000)})
			}
			return h265.Encode([][]byte{marked(i, []byte{2, 1, 0x80}, 90*i), marked(i, []byte{2, 1, 0x42}, 400)})
		}), 0},
		{"AAC in one packet", source(media.AAC), stream(t, 8, func(i int) ([]*rtp.Packet, error) {
			return aac.Encode([][]byte{marked(i, []byte{0x21}, 100+i)})
		}), 1},
		{"AAC in fragments", source(media.AAC), stream(t, 8, func(i int) ([]*rtp.Packet, error) {
			return aac.Encode([][]byte{marked(i, []byte{0x21}, 150*(8-i))})
		}), 1},
		{"MP3", source(media.MP3), stream(t, 8, func(i int) ([]*rtp.Packet, error) {
			return mp3.Encode([][]byte{marked(i, []byte{0xff, 0xfb, 0x90, 0x00}, 417)})
		}), 0},
		{"VP8", source(media.VP8), stream(t, 8, func(i int) ([]*rtp.Packet, error) {
			return vp8.Encode(marked(i, []byte{0x10}, 100+200*i))
		}), 0},
		{"VP9", source(media.VP9), stream(t, 8, func(i int) ([]*rtp.Packet, error) {
			return vp9.Encode(marked(i, []byte{0x82, 0x49, 0x83, 0x42, 0x00, 0x77, 0xf0, 0x32, 0x34}, 100+200*i))
		}), 0},
		{"AV1", source(media.AV1), stream(t, 8, func(i int) ([]*rtp.Packet, error) {
			if i%4 == 0 {
				return av1.Encode([][]byte{{0x08, 0, 0, 0, 66, 167, 191, 228, 96, 13, 0, 64}, marked(i, []byte{0x30}, 700)})
			}
			return av1.Encode([][]byte{marked(i, []byte{0x30}, 250*i), marked(i, []byte{0x30}, 250)})
		}), 1},
		{"JPEG", source(media.JPEG), stream(t, 8, func(i int) ([]*rtp.Packet, error) {
			return mjpeg.Encode(testJPEG(t, i))
		}), 0},
		{"LATM", Source{
			Track:       &media.Track{ID: 1, Codec: media.AAC, ClockRate: 44100, Config: []byte{0x12, 0x10}},
			PayloadType: 96, Encoding: "MP4A-LATM", Params: map[string]string{"cpresent": "0"},
		}, stream(t, 8, func(i int) (list []*rtp.Packet, _ error) {
			b := append([]byte{255, 200}, marked(i, []byte{0x21}, 455)...)
			for at := 0; at < len(b); at += 300 {
				end := min(at+300, len(b))
				list = append(list, &rtp.Packet{Header: rtp.Header{Marker: end == len(b)}, Payload: b[at:end]})
			}
			return list, nil
		}), 1},
	}
}

// Whichever packet of what independent encoders pack is lost: nothing torn comes out, what is whole does, and what
// follows a unit that is missing says so.
func TestEveryLoss(t *testing.T) {
	for _, c := range lossCases(t) {
		t.Run(c.name, func(t *testing.T) {
			d, err := New(c.source)
			require.NoError(t, err)
			all := pushAll(t, d, c.packets)
			require.Len(t, all, 8)
			require.Zero(t, d.Torn())
			place := map[string]int{}
			for i, u := range all {
				require.Equal(t, uint32(i)*3600, u.Stamp)
				place[string(u.Data)] = i
			}
			require.Len(t, place, 8)
			for _, length := range []int{1, 2, 5} {
				for first := range c.packets {
					loseFrom(t, c, place, first, length)
				}
			}
		})
	}
}

func loseFrom(t *testing.T, c lossCase, place map[string]int, first, length int) {
	t.Helper()
	d, err := New(c.source)
	require.NoError(t, err)
	hit := map[uint32]bool{}
	lost, last, count := false, -1, 0
	for i, p := range c.packets {
		if i >= first && i < first+length {
			hit[p.Timestamp], lost = true, true
			continue
		}
		q := *p
		q.Payload = bytes.Clone(p.Payload)
		units, err := d.Push(&q, lost)
		clear(q.Payload)
		require.NoError(t, err)
		lost = false
		for _, u := range units {
			at, ok := place[string(u.Data)]
			require.True(t, ok, "losing %d from %d: torn at %d", length, first, u.Stamp)
			require.Equal(t, uint32(at)*3600, u.Stamp)
			require.True(t, at == last+1 || u.Gap, "losing %d from %d: no gap", length, first)
			last = at
			count++
		}
	}
	require.GreaterOrEqual(t, count, 8-len(hit)-c.spare, "losing %d from %d", length, first)
	require.LessOrEqual(t, d.Torn(), uint64(len(hit)+c.spare))
}

// A packet that does not count does not hide the loss in front of it.
func TestLossBehindForeignPackets(t *testing.T) {
	for _, c := range lossCases(t) {
		for _, odd := range []*rtp.Packet{
			{Header: rtp.Header{PayloadType: 96}},
			{Header: rtp.Header{PayloadType: 13}, Payload: []byte{1, 2}},
		} {
			for first := range c.packets {
				d, err := New(c.source)
				require.NoError(t, err)
				units := pushAll(t, d, c.packets[:first])
				_, _ = d.Push(odd, true)
				units = append(units, pushAll(t, d, c.packets[first+1:])...)
				stamps := map[uint32]bool{}
				for _, u := range units {
					stamps[u.Stamp] = true
				}
				_, nal := d.format.(*nals)
				alone := nal && (first == 0 || c.packets[first-1].Marker) // only parameter sets are lost
				require.True(t, alone || !stamps[c.packets[first].Timestamp], "%s: packet %d", c.name, first)
			}
		}
	}
}
