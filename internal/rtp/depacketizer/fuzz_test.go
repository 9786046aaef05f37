package depacketizer

import (
	"encoding/binary"
	"testing"

	"github.com/pion/rtp"
	"github.com/stretchr/testify/require"

	"github.com/sluice-media/sluice/internal/h26x"
	"github.com/sluice-media/sluice/media"
)

const (
	fuzzMarker = 1 << iota
	fuzzLost
	fuzzLater
	fuzzForeign
)

// fuzzSources are what FuzzPush can be told to take.
func fuzzSources() (list []Source) {
	for _, codec := range []media.Codec{
		media.H264, media.H265, media.AAC, media.G711A, media.MP3, media.VP8, media.VP9, media.AV1, media.JPEG, media.RawRTP,
	} {
		list = append(list, Source{Track: &media.Track{ID: 1, Codec: codec, ClockRate: 90000}, PayloadType: 96})
	}
	aac := &media.Track{ID: 1, Codec: media.AAC, ClockRate: 44100, Config: []byte{0x12, 0x10}}
	return append(list,
		Source{Track: aac, PayloadType: 96, Params: map[string]string{"mode": "AAC-lbr"}},
		Source{Track: aac, PayloadType: 96, Encoding: "MP4A-LATM", Params: map[string]string{"cpresent": "0"}})
}

// blob writes packets as FuzzPush reads them: length in two bytes, flags, payload.
func blob(packets []*rtp.Packet) (b []byte) {
	for i, p := range packets {
		flags := byte(0)
		if p.Marker {
			flags |= fuzzMarker
		}
		if i > 0 && p.Timestamp != packets[i-1].Timestamp {
			flags |= fuzzLater
		}
		b = append(binary.BigEndian.AppendUint16(b, uint16(len(p.Payload))), flags)
		b = append(b, p.Payload...)
	}
	return b
}

func FuzzPush(f *testing.F) {
	sources := fuzzSources()
	for i, s := range sources {
		f.Add(byte(i), []byte("\x00\x05\x01\x65\x88\x01\x02\x03\x00\x10\x04\x7c\x85abcdefghijklmno"))
		for _, c := range lossCases(f) {
			if c.source.Track.Codec == s.Track.Codec {
				f.Add(byte(i), blob(c.packets))
			}
		}
	}
	f.Fuzz(func(t *testing.T, which byte, b []byte) {
		d, err := New(sources[int(which)%len(sources)])
		require.NoError(t, err)
		stamp := uint32(0)
		for len(b) >= 3 {
			n, flags := min(int(binary.BigEndian.Uint16(b)), len(b)-3), b[2]
			p := &rtp.Packet{Header: rtp.Header{Version: 2, PayloadType: 96, Marker: flags&fuzzMarker != 0}, Payload: b[3 : 3+n]}
			b = b[3+n:]
			if flags&fuzzLater != 0 {
				stamp += 3600
			}
			if flags&fuzzForeign != 0 {
				p.PayloadType = 13
			}
			p.Timestamp = stamp
			units, _ := d.Push(p, flags&fuzzLost != 0)
			for _, u := range units {
				checkUnit(t, d, u)
			}
			require.LessOrEqual(t, memoryOf(d), 2*maxUnit)
		}
	})
}

// checkUnit requires that lengths in a unit add up.
func checkUnit(t *testing.T, d *Depacketizer, u Unit) {
	t.Helper()
	require.NotEmpty(t, u.Data)
	require.NotNil(t, u.Track)
	require.LessOrEqual(t, len(u.Data), 2*maxUnit)
	switch d.track.Codec {
	case media.H264, media.H265:
		total := 0
		for nal := range h26x.Units(u.Data) {
			total += 4 + len(nal)
		}
		require.Equal(t, len(u.Data), total)
	case media.AV1:
		for b := u.Data; len(b) > 0; {
			at := 1
			if b[0]&obuExtension != 0 {
				at = 2
			}
			size, n := leb128(b[at:])
			require.NotZero(t, n)
			require.LessOrEqual(t, at+n+size, len(b))
			b = b[at+n+size:]
		}
	}
}

// memoryOf is what a depacketizer holds on to.
func memoryOf(d *Depacketizer) int {
	switch f := d.format.(type) {
	case *nals:
		return cap(f.buf) + f.sets.Size()
	case *aac:
		return cap(f.part)
	case *mpegAudio:
		return cap(f.part)
	case *latm:
		return cap(f.part)
	case *library:
		return f.held
	}
	return 0
}
