package wire

import (
	"encoding/binary"
	"testing"

	"github.com/stretchr/testify/require"
)

// track is a player's side of one track, fed by hand.
type track struct {
	t   *testing.T
	rtp *rtpTrack
	seq uint16
}

func newTestTrack(t *testing.T, codec string, udp bool) *track {
	t.Helper()
	m := mediaLine{kind: "video", payload: 96, codec: codec, clock: 90000, format: "sprop-parameter-sets=Z0LA,aM4=;sprop-sps=QgEB"}
	return &track{t: t, rtp: newTrack(m, udp), seq: 65534}
}

// put sends a packet and returns how many messages it completed.
func (k *track) put(stamp uint32, marker bool, payload ...byte) (int, error) {
	b := []byte{0x80, 96}
	if marker {
		b[1] |= 0x80
	}
	b = binary.BigEndian.AppendUint16(b, k.seq)
	b = binary.BigEndian.AppendUint32(b, stamp)
	b = binary.BigEndian.AppendUint32(b, 7)
	k.seq++
	m, err := k.rtp.packet(append(b, payload...))
	return len(m), err
}

func (k *track) mustPut(want int, stamp uint32, marker bool, payload ...byte) {
	k.t.Helper()
	n, err := k.put(stamp, marker, payload...)
	require.NoError(k.t, err)
	require.Equal(k.t, want, n)
}

func TestH264Pictures(t *testing.T) {
	t.Parallel()
	k := newTestTrack(t, "H264", false)
	k.mustPut(0, 0, false, 24, 0, 2, 0x67, 1, 0, 2, 0x68, 1) // STAP-A of SPS and PPS
	k.mustPut(0, 0, false, 28, 0x85, 1)
	k.mustPut(1, 0, true, 28, 0x45, 2)
	k.mustPut(0, 3600, false, 0x41, 1) // without a marker: the next stamp ends it
	k.mustPut(2, 7200, true, 0x41, 1)
	require.Zero(t, k.rtp.missing)
}

func TestH265Pictures(t *testing.T) {
	t.Parallel()
	k := newTestTrack(t, "H265", false)
	k.mustPut(0, 0, false, 48<<1, 1, 0, 3, 33<<1, 1, 9) // an aggregation packet with an SPS
	k.mustPut(0, 0, false, 49<<1, 1, 0x80|19, 1)
	k.mustPut(0, 0, false, 49<<1, 1, 19, 2)
	m, err := k.rtp.packet([]byte{0x80, 0xE0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 7, 49 << 1, 1, 0x40 | 19, 3})
	require.NoError(t, err)
	require.Len(t, m, 1)
	require.Equal(t, []byte{0x1C, 1, 0, 0, 0, 0, 0, 0, 3, 33 << 1, 1, 9, 0, 0, 0, 5, 19 << 1, 1, 1, 2, 3}, m[0].Body)
}

func TestLossByUDPGoesOnAtAKeyFrame(t *testing.T) {
	t.Parallel()
	k := newTestTrack(t, "H264", true)
	k.mustPut(1, 0, true, 0x65, 1)
	k.mustPut(0, 3600, false, 28, 0x81, 1)
	k.seq++ // the middle of the picture is lost
	k.mustPut(0, 3600, true, 28, 0x41, 1)
	k.mustPut(0, 7200, true, 0x41, 1)
	k.mustPut(0, 10800, false, 0x67, 1)
	k.mustPut(1, 10800, true, 0x65, 1)
	require.Equal(t, 1, k.rtp.missing)
	k.seq -= 6 // it comes after all, too late
	k.mustPut(0, 3600, false, 28, 0x01, 1)
	require.Zero(t, k.rtp.missing)
}

func TestPicturesRefuse(t *testing.T) {
	t.Parallel()
	for name, payloads := range map[string][][]byte{
		"fragment without beginning": {{28, 0x05, 1}},
		"beginning within a unit":    {{28, 0x85, 1}, {28, 0x85, 1}},
		"unit within a unit":         {{28, 0x85, 1}, {0x41, 1}},
		"whole unit as fragment":     {{28, 0xC5, 1}},
		"fragment without data":      {{28, 0x85}},
		"aggregate too long":         {{24, 0, 9, 0x67, 1}},
		"aggregate of nothing":       {{24, 0, 0, 1, 1}},
		"byte behind an aggregate":   {{24, 0, 2, 0x67, 1, 0}},
		"short payload":              {{0x41}},
		"mixed slices":               {{0x65, 1}, {0x41, 1}},
	} {
		k := newTestTrack(t, "H264", false)
		var err error
		for _, payload := range payloads {
			if err == nil {
				_, err = k.put(0, false, payload...)
			}
		}
		require.ErrorIs(t, err, ErrMalformed, name)
	}
}

func TestPictureThatEndsWithinAUnit(t *testing.T) {
	t.Parallel()
	k := newTestTrack(t, "H264", false)
	_, err := k.put(0, true, 28, 0x85, 1)
	require.ErrorIs(t, err, ErrMalformed)
	k = newTestTrack(t, "H264", false)
	k.rtp.frames.(*pictures).described = false
	_, err = k.put(0, true, 0x65, 1)
	require.ErrorIs(t, err, ErrMalformed, "no parameter sets")
}

func TestRTPHeader(t *testing.T) {
	t.Parallel()
	head := func(first byte, rest ...byte) []byte {
		return append([]byte{first, 96, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}, rest...)
	}
	for name, b := range map[string][]byte{
		"plain":     head(0x80, 9),
		"CSRC":      head(0x81, 1, 2, 3, 4, 9),
		"extension": head(0x90, 0, 0, 0, 1, 1, 2, 3, 4, 9),
		"padding":   head(0xA0, 9, 0, 2),
	} {
		payload, err := cutHeader(b)
		require.NoError(t, err, name)
		require.Equal(t, []byte{9}, payload, name)
	}
	for name, b := range map[string][]byte{
		"short":         head(0x80)[:11],
		"version":       head(0x40, 9),
		"no payload":    head(0x80),
		"CSRC cut":      head(0x8F, 9),
		"extension cut": head(0x90, 0, 0),
		"too long":      head(0x90, 0, 0, 0xFF, 0xFF, 9),
		"all padding":   head(0xA0, 9, 0, 200),
	} {
		_, err := cutHeader(b)
		require.ErrorIs(t, err, ErrMalformed, name)
	}
}

func TestRTCP(t *testing.T) {
	t.Parallel()
	require.NoError(t, checkRTCP([]byte{0x80, 201, 0, 1, 0, 0, 0, 0, 0x81, 203, 0, 1, 0, 0, 0, 0}))
	for _, b := range [][]byte{{}, {0x80, 201, 0}, {0, 201, 0, 0}, {0x80, 96, 0, 0}, {0x80, 201, 0, 1}} {
		require.ErrorIs(t, checkRTCP(b), ErrMalformed)
	}
}

func TestAAC(t *testing.T) {
	t.Parallel()
	a := newAAC(&mediaLine{clock: 44100})
	m, err := a.packet(rtpPayload{data: []byte{0, 32, 0, 8, 0, 16, 1, 2, 3}}, false)
	require.NoError(t, err)
	require.Len(t, m, 2)
	require.Equal(t, []byte{0xAF, 1, 2, 3}, m[1].Body)
	require.EqualValues(t, 23, m[1].Time)
	for _, b := range [][]byte{{0}, {0, 0, 1}, {0, 16, 0}, {0, 16, 0, 16, 1}, {0, 16, 0, 8, 1, 2}, {0, 16, 0, 0, 1}} {
		_, err := a.packet(rtpPayload{data: b}, false)
		require.ErrorIs(t, err, ErrMalformed, "%v", b)
	}
}

func TestSDP(t *testing.T) {
	t.Parallel()
	tracks, err := parseSDP([]byte("v=0\r\na=control:*\r\nm=video 0 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\n" +
		"a=fmtp:96 packetization-mode=1; sprop-parameter-sets=Z0I=,aM4=\r\na=control:trackID=0\r\nm=audio 0 RTP/AVP 8\r\na=control:rtsp://h/a\r\n"))
	require.NoError(t, err)
	require.Len(t, tracks, 2)
	require.Equal(t, "Z0I=,aM4=", tracks[0].parameter("sprop-parameter-sets"))
	require.Equal(t, "rtsp://h/live/trackID=0", control("rtsp://h/live/", tracks[0].control))
	require.Equal(t, "rtsp://h/a", control("rtsp://h/live/", tracks[1].control))
	require.Equal(t, "PCMA", tracks[1].codec)
	for _, text := range []string{"", "m=video 0", "m=video 0 RTP/AVP x", "m=video 0 RTP/AVP 96\na=rtpmap:96 H264", "m=video 0 RTP/AVP 96\na=rtpmap:96 H264/0"} {
		_, err := parseSDP([]byte(text))
		require.ErrorIs(t, err, ErrMalformed, text)
	}
}
