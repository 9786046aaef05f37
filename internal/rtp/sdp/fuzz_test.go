package sdp

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// Whatever comes, Parse does not panic, what it returns is bounded, and it can be offered to players.
func FuzzParse(f *testing.F) {
	for i, track := range tracks() { // one by one: big seeds keep the engine busy with making them smaller
		o, _ := OfferFor(track, i)
		f.Add(Append(nil, "name", []Offer{o}))
	}
	f.Add([]byte(head + plain + "a=fmtp:96 sprop-parameter-sets=" + b64(avcSPS) + ", " + b64(avcPPS) + " x=y\r\na=control:*\r\n"))
	f.Add([]byte("m=audio 0 RTP/AVP 97 200 smart/1/1\na=rtpmap:97 MP4A-LATM/44100/2\na=fmtp:97 config=40002420\na=sendonly"))
	f.Add([]byte("m=audio 0 RTP/AVP 97\ra=rtpmap:97 mpeg4-generic/44100/2\ra=fmtp:97 config=b98c00;mode=AAC-lbr\r\r\n\x00"))
	f.Fuzz(func(t *testing.T, b []byte) {
		s, err := Parse(b)
		if err != nil {
			return
		}
		require.LessOrEqual(t, len(s.Medias), maxMedia)
		require.LessOrEqual(t, len(s.Skipped), maxMedia+1)
		var size int
		var list []Offer
		for i, m := range s.Medias {
			size += len(m.Track.Config)
			require.LessOrEqual(t, m.PayloadType, uint8(127))
			require.True(t, m.ClockRate > 0 && m.ClockRate <= maxClockRate)
			ControlURL("rtsp://h/s", s.Control, m.Control)
			o, ok := OfferFor(m.Track, i)
			require.True(t, ok, "%v", m.Track)
			list = append(list, o)
		}
		require.LessOrEqual(t, size, maxConfig)
		again, err := Parse(Append(nil, "x", list))
		require.NoError(t, err)
		require.Empty(t, again.Skipped)
		require.Len(t, again.Medias, len(list))
		for i, m := range again.Medias {
			require.Equal(t, list[i].Track.Codec, m.Track.Codec)
			require.Equal(t, list[i].PayloadType, m.PayloadType)
			require.Equal(t, list[i].ClockRate, m.ClockRate)
			require.Equal(t, list[i].Track.Config, m.Track.Config)
		}
	})
}
