package sdp

import (
	"testing"

	"github.com/bluenviron/gortsplib/v4/pkg/description"
	"github.com/bluenviron/gortsplib/v4/pkg/format"
	gsdp "github.com/bluenviron/gortsplib/v4/pkg/sdp"
	"github.com/stretchr/testify/require"

	"github.com/sluice-media/sluice/internal/h26x"
	"github.com/sluice-media/sluice/media"
)

// tracks returns one of every codec that RTP carries, as Parse makes them.
func tracks() []*media.Track {
	list := []*media.Track{
		{Codec: media.H264, ClockRate: 90000, Config: avcC},
		{Codec: media.H264, ClockRate: 90000},
		{Codec: media.H265, ClockRate: 90000, Config: hvcC},
		{Codec: media.H265, ClockRate: 90000},
		{Codec: media.AAC, ClockRate: 44100, Config: asc, SampleRate: 44100, Channels: 2},
		{Codec: media.G711A, ClockRate: 8000, SampleRate: 8000, Channels: 1},
		{Codec: media.G711U, ClockRate: 8000, SampleRate: 8000, Channels: 1},
		{Codec: media.G711U, ClockRate: 16000, SampleRate: 16000, Channels: 2},
		{Codec: media.Opus, ClockRate: 48000, SampleRate: 48000, Channels: 2},
		{Codec: media.L16, ClockRate: 44100, SampleRate: 44100, Channels: 2},
		{Codec: media.L16, ClockRate: 44100, SampleRate: 44100, Channels: 1},
		{Codec: media.L16, ClockRate: 48000, SampleRate: 48000, Channels: 6},
		{Codec: media.MP3, ClockRate: 90000, SampleRate: 44100, Channels: 2},
		{Codec: media.VP8, ClockRate: 90000},
		{Codec: media.VP9, ClockRate: 90000},
		{Codec: media.AV1, ClockRate: 90000},
		{Codec: media.JPEG, ClockRate: 90000},
		{Codec: media.RawRTP, ClockRate: 90000, Config: raw("m=application", "a=rtpmap:107 vnd.onvif.metadata/90000", "a=fmtp:107 a=b; c=d")},
		{Codec: media.RawRTP, ClockRate: 8000, Config: raw("m=audio", "a=rtpmap:9 G722/8000/1")},
	}
	for i, t := range list {
		t.ID = i + 1
		if len(t.Config) > 0 && t.Codec.Video() {
			sets, _, _ := h26x.Parse(t.Codec, t.Config)
			h26x.Describe(t, sets)
		}
	}
	return list
}

func offers(t *testing.T, tracks []*media.Track) []Offer {
	t.Helper()
	var list []Offer
	for i, track := range tracks {
		o, ok := OfferFor(track, i)
		require.True(t, ok, "%v", track)
		list = append(list, o)
	}
	return list
}

func TestRoundTrip(t *testing.T) {
	want := offers(t, tracks())
	s, err := Parse(Append(nil, "", want))
	require.NoError(t, err)
	require.Empty(t, s.Skipped)
	require.Equal(t, "*", s.Control)
	require.Equal(t, "npt=now-", s.Range)
	require.Len(t, s.Medias, len(want))
	for i, m := range s.Medias {
		require.Equal(t, want[i].Track, m.Track)
		require.Equal(t, want[i].PayloadType, m.PayloadType)
		require.Equal(t, want[i].ClockRate, m.ClockRate)
		require.Equal(t, want[i].Control, m.Control)
	}
}

// Others read what Append writes.
func TestOthersRead(t *testing.T) {
	want := offers(t, tracks())
	want[0].Connection, want[0].Port = "239.1.2.3/64", 5004
	want[1].Connection, want[1].Port = "ff15::1/127", 5006
	var sd gsdp.SessionDescription
	require.NoError(t, sd.Unmarshal(Append(nil, "name", want)))
	var d description.Session
	require.NoError(t, d.Unmarshal(&sd))
	require.Equal(t, "name", d.Title)
	require.Len(t, d.Medias, len(want))
	require.Equal(t, "239.1.2.3/64", sd.MediaDescriptions[0].ConnectionInformation.Address.Address)
	require.Equal(t, "IP6", sd.MediaDescriptions[1].ConnectionInformation.AddressType)
	for i, m := range d.Medias {
		require.Len(t, m.Formats, 1)
		require.Equal(t, want[i].PayloadType, m.Formats[0].PayloadType())
		require.Equal(t, want[i].ClockRate, m.Formats[0].ClockRate(), "%v", want[i].Track.Codec)
		require.Equal(t, want[i].Control, m.Control)
	}
	avc := d.Medias[0].Formats[0].(*format.H264)
	require.Equal(t, avcSPS, avc.SPS)
	require.Equal(t, avcPPS, avc.PPS)
	require.Equal(t, 1, avc.PacketizationMode)
	hevc := d.Medias[2].Formats[0].(*format.H265)
	require.Equal(t, [][]byte{hevcVPS, hevcSPS, hevcPPS}, [][]byte{hevc.VPS, hevc.SPS, hevc.PPS})
	require.Equal(t, 44100, d.Medias[4].Formats[0].(*format.MPEG4Audio).Config.SampleRate)
	for i, name := range map[int]string{
		1: "H264", 3: "H265", 5: "G711", 7: "G711", 8: "Opus", 9: "LPCM", 11: "LPCM", 12: "MPEG-1/2 Audio", 13: "VP8", 14: "VP9",
		15: "AV1", 16: "M-JPEG", 18: "G722",
	} {
		require.Equal(t, name, d.Medias[i].Formats[0].Codec())
	}
}

func TestAppend(t *testing.T) {
	track := &media.Track{Codec: media.AV1, Config: []byte{0x81, 0x28, 0x8c, 0}}
	o, ok := OfferFor(track, 2)
	require.True(t, ok)
	require.Equal(t, Offer{Track: track, PayloadType: 98, ClockRate: 90000, Control: "trackID=2"}, o)
	o.Control = "a\r\nb"
	broken := Offer{Track: &media.Track{Codec: media.RawRTP}}
	require.Equal(t, lines(
		"keep v=0", "o=- 0 0 IN IP4 127.0.0.1", "s=a  v=1", "c=IN IP4 0.0.0.0", "t=0 0", "a=tool:sluice", "a=control:*", "a=range:npt=now-",
		"m=video 0 RTP/AVP 98", "a=rtpmap:98 AV1/90000", "a=fmtp:98 profile=1; level-idx=8; tier=1", "a=control:a b",
	), string(Append([]byte("keep "), "a \r\nv=1\xff", []Offer{o, broken})))
}

func TestOfferFor(t *testing.T) {
	for _, track := range []*media.Track{
		{Codec: media.TS},
		{Codec: media.PS},
		{Codec: media.ADPCM},
		{Codec: media.H266},
		{Codec: media.AAC},
		{Codec: media.AAC, Config: asc}, // no sample rate
		{Codec: media.L16},
		{Codec: media.L16, SampleRate: 48000, Channels: 17},
		{Codec: media.Opus, Channels: 6},
		{Codec: media.RawRTP},
		{Codec: media.RawRTP, Config: raw("m=video")},
		{Codec: media.RawRTP, Config: raw("m=video", "a=rtpmap:96 x")},
		{Codec: media.RawRTP, Config: raw("m=video", "a=rtpmap:96 x/1", "m=video")},
	} {
		_, ok := OfferFor(track, 0)
		require.False(t, ok, "%v", track)
	}
	o, ok := OfferFor(&media.Track{Codec: media.AAC, SampleRate: 44100, Channels: 2}, 40)
	require.True(t, ok)
	require.EqualValues(t, 104, o.PayloadType)
	require.Contains(t, string(Append(nil, "x", []Offer{o})), "config=1210\r\n")
	o, ok = OfferFor(&media.Track{Codec: media.G711A}, -1)
	require.True(t, ok)
	require.EqualValues(t, 8, o.PayloadType)
}
