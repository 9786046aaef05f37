package sdp

import (
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sluice-media/sluice/internal/h26x"
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

	avcC = h26x.Sets{SPS: [][]byte{avcSPS}, PPS: [][]byte{avcPPS}}.Config(media.H264)
	hvcC = h26x.Sets{VPS: [][]byte{hevcVPS}, SPS: [][]byte{hevcSPS}, PPS: [][]byte{hevcPPS}}.Config(media.H265)
	asc  = []byte{0x12, 0x10} // AAC-LC, 44100 Hz, 2 channels
)

func b64(b []byte) string { return base64.StdEncoding.EncodeToString(b) }

// want is what a test expects of a media.
type want struct {
	codec  media.Codec
	pt     uint8
	clock  int
	config []byte
}

// raw is the configuration of a RawRTP track.
func raw(lines ...string) []byte { return []byte(strings.Join(lines, "\n") + "\n") }

// lines makes a description of lines as they should end.
func lines(list ...string) string { return strings.Join(list, "\r\n") + "\r\n" }

// head is the harmless start of a description.
const head = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=x\r\nt=0 0\r\n"

// plain is a harmless media section.
const plain = "m=video 0 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\n"

func TestParse(t *testing.T) {
	h264 := want{media.H264, 96, 90000, nil}
	h264set := want{media.H264, 96, 90000, avcC}
	sprop := func(s string) string {
		return head + plain + "a=fmtp:96 packetization-mode=1;sprop-parameter-sets=" + s + "\r\n"
	}
	aac := func(clock int, config ...byte) want { return want{media.AAC, 97, clock, config} }
	audio := func(rtpmap, fmtp string) string {
		return head + lines("m=audio 0 RTP/AVP 97", "a=rtpmap:97 "+rtpmap, "a=fmtp:97 "+fmtp)
	}
	sps, pps := b64(avcSPS), b64(avcPPS)
	annexB := func(unit []byte) string { return b64(append([]byte{0, 0, 0, 1}, unit...)) }
	for _, c := range []struct {
		name    string
		sdp     string
		medias  []want
		skipped int
	}{
		// The session.
		{"o= without address", lines("v=0", "o=- 5 5", "s=x", "t=0 0") + plain, []want{h264}, 0},
		{"o= missing", lines("v=0", "s=x", "t=0 0") + plain, []want{h264}, 0},
		{"huge numbers in o=", lines("v=0", "o=- 99999999999999999999999999 -1 IN IP4 0", "s=x") + plain, []want{h264}, 0},
		{"c= twice in itself", head + "c=IN c=IN IP4 0.0.0.0\r\n" + plain, []want{h264}, 0},
		{"c= ends early", head + "c=IN\r\n" + plain, []want{h264}, 0},
		{"v= missing", lines("o=- 1 1 IN IP4 1.2.3.4", "s=x", "t=0 0") + plain, []want{h264}, 0},
		{"t= missing", lines("v=0", "s=x") + plain, []want{h264}, 0},
		{"nothing but the media", plain, []want{h264}, 0},
		{"name is not UTF-8", lines("v=0", "s=K\xfcche \xff\xfe", "t=0 0") + plain, []want{h264}, 0},
		{"byte order mark", "\ufeff" + plain, []want{h264}, 0},
		// Lines.
		{"trailing NUL bytes", head + plain + "\x00\x00\x00", []want{h264}, 0},
		{"NUL behind the last value", strings.TrimSpace(head+plain) + "\x00", []want{h264}, 0},
		{"LF only", strings.ReplaceAll(head+plain, "\r", ""), []want{h264}, 0},
		{"CR only", strings.ReplaceAll(head+plain, "\n", ""), []want{h264}, 0},
		{"LF CR", strings.ReplaceAll(head+plain, "\r\n", "\n\r"), []want{h264}, 0},
		{"blank lines", strings.ReplaceAll(head+plain, "\r\n", "\r\n\r\n \r\n"), []want{h264}, 0},
		{"lines without =", head + "hello\r\n" + plain + "a\r\nworld", []want{h264}, 0},
		{"long types", head + "foo=bar\r\n" + plain + "=\r\naa=rtpmap:96 VP8/90000", []want{h264}, 0},
		{"leading spaces", "  v=0\r\n \t" + strings.ReplaceAll(plain, "\r\n", "\r\n   "), []want{h264}, 0},
		{"upper case A= and M=", head + strings.ReplaceAll(strings.ReplaceAll(plain, "a=", "A="), "m=", "M="), []want{h264}, 0},
		{"spaces around =", head + strings.ReplaceAll(plain, "=", " = "), []want{h264}, 0},
		{"a line of 60 KB", head + "a=x:" + strings.Repeat("y", 60<<10) + "\r\n" + plain, []want{h264}, 0},
		{"an m-line of 60 KB", head + "m=" + strings.Repeat("y", 60<<10) + "\r\n" + plain, []want{h264}, 1},
		{"100 m-lines", head + strings.Repeat(plain, 100), repeat(h264, 32), 1},
		// The m-line.
		{"unknown kind, known codec", head + strings.Replace(plain, "video", "picture", 1), []want{h264}, 0},
		{"unknown kind, unknown codec", head + plain + lines("m=text 0 RTP/AVP 98", "a=rtpmap:98 t140/1000"), []want{h264}, 1},
		{"port of 0", head + plain, []want{h264}, 0},
		{"negative port", head + strings.Replace(plain, " 0 ", " -1 ", 1), []want{h264}, 0},
		{"huge port", head + strings.Replace(plain, " 0 ", " 4294967296/2 ", 1), []want{h264}, 0},
		{"no port", head + strings.Replace(plain, " 0 ", " ", 1), []want{h264}, 0},
		{"RTP/AVPF", head + strings.Replace(plain, "RTP/AVP", "RTP/AVPF", 1), []want{h264}, 0},
		{"RTP/AVP/TCP", head + strings.Replace(plain, "RTP/AVP", "rtp/avp/tcp", 1), []want{h264}, 0},
		{"RTP/SAVP", head + plain + strings.Replace(plain, "RTP/AVP", "RTP/SAVP", 1), []want{h264}, 1},
		{"UDP/TLS/RTP/SAVPF", head + plain + strings.Replace(plain, "RTP/AVP", "UDP/TLS/RTP/SAVPF", 1), []want{h264}, 1},
		{"not RTP", head + lines("m=application 0 TCP/BFCP *", "m=video 0 udp 33", "m=", "m=video") + plain, []want{h264}, 4},
		{"smart formats", head + strings.Replace(plain, "AVP 96", "AVP smart/1/90000", 1), []want{h264}, 0},
		{"no formats", head + strings.Replace(plain, "AVP 96", "AVP", 1), []want{h264}, 0},
		{"payload type above 127", head + plain + lines("m=video 0 RTP/AVP 196", "a=rtpmap:196 H264/90000"), []want{h264}, 1},
		{"payload type of many digits", head + plain + "m=audio 0 RTP/AVP 18446744073709551616\r\n", []want{h264}, 1},
		{"same payload type twice", head + plain + lines("m=audio 0 RTP/AVP 96", "a=rtpmap:96 L16/16000/2"), []want{h264, {media.L16, 96, 16000, nil}}, 0},
		{"several formats", head + lines("m=video 0 RTP/AVP 99 100 96 97", "a=rtpmap:99 red/90000", "a=rtpmap:97 VP8/90000", "a=rtpmap:96 H264/90000"), []want{h264}, 0},
		{
			"several unknown formats", head + lines("m=audio 0 RTP/AVP 99 98", "a=rtpmap:98 foo/8000", "a=rtpmap:99 bar/16000"),
			[]want{{media.RawRTP, 99, 16000, raw("m=audio", "a=rtpmap:99 bar/16000")}},
			0,
		},
		{"unusable format first", head + lines("m=audio 0 RTP/AVP 97 8", "a=rtpmap:97 mpeg4-generic/90000"), []want{{media.G711A, 8, 8000, nil}}, 0},
		// Directions.
		{"back channel", head + plain + lines("m=audio 0 RTP/AVP 0", "a=sendonly", "a=control:back"), []want{h264}, 1},
		{"back channel of AAC without config", head + plain + lines("m=audio 0 RTP/AVP 97", "a=rtpmap:97 mpeg4-generic", "a=sendonly"), []want{h264}, 1},
		{"inactive", head + plain + lines("m=audio 0 RTP/AVP 0", "a=inactive"), []want{h264}, 1},
		{"recvonly", head + plain + lines("a=recvonly", "m=audio 0 RTP/AVP 0", "a=sendrecv"), []want{h264, {media.G711U, 0, 8000, nil}}, 0},
		{"all sendonly", head + plain + lines("a=sendonly", "m=audio 0 RTP/AVP 0", "a=sendonly"), []want{h264, {media.G711U, 0, 8000, nil}}, 0},
		{"session sendonly", head + "a=sendonly\r\n" + plain, []want{h264}, 0},
		// Encodings.
		{"dynamic without rtpmap", head + plain + "m=audio 0 RTP/AVP 97\r\n", []want{h264}, 1},
		{"dynamic without rtpmap, with sprop", head + lines("m=video 0 RTP/AVP 96", "a=fmtp:96 sprop-parameter-sets="+sps+","+pps), []want{h264set}, 0},
		{"rtpmap of another payload type", head + strings.Replace(plain, "AVP 96", "AVP 105", 1), []want{h264}, 0},
		{
			"static without rtpmap", head + lines("m=audio 0 RTP/AVP 0", "m=audio 0 RTP/AVP 8", "m=audio 0 RTP/AVP 10", "m=audio 0 RTP/AVP 11", "m=audio 0 RTP/AVP 14", "m=video 0 RTP/AVP 26"),
			[]want{
				{media.G711U, 0, 8000, nil},
				{media.G711A, 8, 8000, nil},
				{media.L16, 10, 44100, nil},
				{media.L16, 11, 44100, nil},
				{media.MP3, 14, 90000, nil},
				{media.JPEG, 26, 90000, nil},
			},
			0,
		},
		{
			"static that nothing here decodes", head + lines("m=audio 0 RTP/AVP 9", "m=video 0 RTP/AVP 33"),
			[]want{
				{media.RawRTP, 9, 8000, raw("m=audio", "a=rtpmap:9 G722/8000/1")},
				{media.RawRTP, 33, 90000, raw("m=video", "a=rtpmap:33 MP2T/90000")},
			},
			0,
		},
		{"static that is not assigned", head + plain + "m=audio 0 RTP/AVP 72\r\n", []want{h264}, 1},
		{"lower case", head + strings.Replace(plain, "H264", "h264", 1), []want{h264}, 0},
		{"tab", head + strings.Replace(plain, "96 H264", "96\tH264", 1), []want{h264}, 0},
		{"spaces", head + strings.Replace(plain, ":96 H264/90000", " : 96  H264 / 90000 ", 1), []want{h264}, 0},
		{"no clock", head + strings.Replace(plain, "/90000", "", 1), []want{h264}, 0},
		{"clock of 0", head + strings.Replace(plain, "/90000", "/0", 1), []want{h264}, 0},
		{"clock too high", head + strings.Replace(plain, "/90000", "/1000001", 1), []want{h264}, 0},
		{"channels out of bounds", head + lines("m=audio 0 RTP/AVP 97", "a=rtpmap:97 L16/8000/17"), []want{{media.L16, 97, 8000, nil}}, 0},
		{"unknown without clock", head + plain + lines("m=video 0 RTP/AVP 97", "a=rtpmap:97 foo"), []want{h264}, 1},
		{"empty name", head + plain + lines("m=video 0 RTP/AVP 97", "a=rtpmap:97 /90000"), []want{h264}, 1},
		{"other video", head + lines("m=video 0 RTP/AVP 97", "a=rtpmap:97 VP8/90000", "m=video 0 RTP/AVP 98", "a=rtpmap:98 VP9/90000", "m=video 0 RTP/AVP 99", "a=rtpmap:99 AV1/90000"), []want{{media.VP8, 97, 90000, nil}, {media.VP9, 98, 90000, nil}, {media.AV1, 99, 90000, nil}}, 0},
		{"Opus", audio("opus/48000/2", "sprop-stereo=1"), []want{{media.Opus, 97, 48000, nil}}, 0},
		{
			"ONVIF metadata", head + plain + lines("m=application 0 RTP/AVP 107", "a=control:meta", "a=rtpmap:107 vnd.onvif.metadata/90000", "a=fmtp:107 a=b; c"),
			[]want{h264, {media.RawRTP, 107, 90000, raw("m=application", "a=rtpmap:107 vnd.onvif.metadata/90000", "a=fmtp:107 a=b; c")}},
			0,
		},
		// H.264 and H.265.
		{"sprop", sprop(sps + "," + pps), []want{h264set}, 0},
		{"sprop is no base64", sprop("!!!,???"), []want{h264}, 0},
		{"sprop is noise", sprop(b64([]byte{0x67, 0xff, 0xff, 0xff, 0xff}) + "," + pps), []want{h264}, 0},
		{"sprop empty", sprop(""), []want{h264}, 0},
		{"sprop of commas", sprop(",,,"), []want{h264}, 0},
		{"sprop of one set", sprop(sps), []want{h264}, 0},
		{"sprop the wrong way round", sprop(pps + "," + sps), []want{h264set}, 0},
		{"sprop with start codes", sprop(annexB(avcSPS) + "," + annexB(avcPPS)), []want{h264set}, 0},
		{"sprop as one annex B stream", sprop(b64(append(append([]byte{0, 0, 0, 1}, append(avcSPS[:len(avcSPS):len(avcSPS)], 0, 0, 0, 1)...), avcPPS...))), []want{h264set}, 0},
		{"sprop with a trailing comma", sprop(sps + "," + pps + ","), []want{h264set}, 0},
		{"sprop without padding", sprop(strings.TrimRight(sps, "=") + "," + strings.TrimRight(pps, "=")), []want{h264set}, 0},
		{"sprop with spaces", sprop(" " + sps + ", " + pps), []want{h264set}, 0},
		{"sprop too long", sprop(strings.Repeat(b64(append([]byte{0x68}, make([]byte, 50<<10/31)...))+",", 20) + sps), []want{h264}, 0},
		{"fmtp before rtpmap", head + lines("m=video 0 RTP/AVP 96", "a=fmtp:96 sprop-parameter-sets="+sps+","+pps, "a=rtpmap:96 H264/90000"), []want{h264set}, 0},
		{"semicolons and spaces", head + plain + "a=fmtp:96  ; packetization-mode=1 profile-level-id=64000c ;;sprop-parameter-sets=" + sps + "," + pps + "  foo=bar ; \r\n", []want{h264set}, 0},
		{"upper-case keys", head + plain + "a=fmtp:96 Sprop-Parameter-Sets=" + sps + "," + pps + "\r\n", []want{h264set}, 0},
		{
			"H.265", head + lines("m=video 0 RTP/AVP 96", "a=rtpmap:96 H265/90000", "a=fmtp:96 sprop-vps="+b64(hevcVPS)+"; sprop-sps="+b64(hevcSPS)+"; sprop-pps="+b64(hevcPPS)),
			[]want{{media.H265, 96, 90000, hvcC}},
			0,
		},
		{"H.265 with only sprop-sps", head + lines("m=video 0 RTP/AVP 96", "a=rtpmap:96 H265/90000", "a=fmtp:96 sprop-sps="+b64(hevcSPS)), []want{{media.H265, 96, 90000, nil}}, 0},
		// AAC.
		{"AAC", audio("mpeg4-generic/44100/2", "mode=AAC-hbr;config=1210"), []want{aac(44100, asc...)}, 0},
		{"AAC-lbr", audio("mpeg4-generic/44100/2", "mode=AAC-lbr;sizelength=6;config=1210"), []want{aac(44100, asc...)}, 0},
		{"AAC without config", audio("mpeg4-generic/44100/2", "mode=AAC-hbr"), []want{aac(44100, asc...)}, 0},
		{"AAC without config or channels", audio("MPEG4-GENERIC/16000", "mode=AAC-hbr"), []want{aac(16000, 0x14, 0x08)}, 0},
		{"AAC without config or clock", head + plain + lines("m=audio 0 RTP/AVP 97", "a=rtpmap:97 mpeg4-generic"), []want{h264}, 1},
		{"AAC of 9 channels without config", head + plain + lines("m=audio 0 RTP/AVP 97", "a=rtpmap:97 mpeg4-generic/44100/9"), []want{h264}, 1},
		{"AAC without clock", audio("mpeg4-generic", "config=1210"), []want{aac(44100, asc...)}, 0},
		{"AAC config of odd length", audio("mpeg4-generic/44100/2", "config=12100"), []want{aac(44100, asc...)}, 0},
		{"AAC config of three digits", audio("mpeg4-generic/44100/2", "config=121"), []want{aac(44100, asc...)}, 0},
		{"AAC config that is not hex", audio("mpeg4-generic/44100/2", "config=xyz"), []want{aac(44100, asc...)}, 0},
		{"AAC config of an object type unknown", audio("mpeg4-generic/48000/2", "config=b98c00"), []want{aac(48000, 0xb9, 0x8c, 0)}, 0},
		{"MP4A-LATM", audio("MP4A-LATM/44100/2", "cpresent=0;config=40002420;object=2"), []want{aac(44100, asc...)}, 0},
		{"MP4A-LATM with the plain config", audio("MP4A-LATM/44100/2", "config=1210"), []want{aac(44100, asc...)}, 0},
		{"MP4A-LATM without config", audio("MP4A-LATM/44100/2", "cpresent=1"), []want{aac(44100, asc...)}, 0},
		{"MP4A-LATM without rate", head + plain + lines("m=audio 0 RTP/AVP 97", "a=rtpmap:97 MP4A-LATM/90000"), []want{h264}, 1},
		{
			"CELP", audio("mpeg4-generic/16000/1", "mode=CELP-cbr"),
			[]want{{media.RawRTP, 97, 16000, raw("m=audio", "a=rtpmap:97 mpeg4-generic/16000/1", "a=fmtp:97 mode=CELP-cbr")}},
			0,
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			s, err := Parse([]byte(c.sdp))
			require.NoError(t, err)
			var got []want
			for _, m := range s.Medias {
				require.Equal(t, m.Index+1, m.Track.ID)
				require.Equal(t, m.ClockRate, m.Track.ClockRate)
				got = append(got, want{m.Track.Codec, m.PayloadType, m.ClockRate, m.Track.Config})
			}
			require.Equal(t, c.medias, got, "%v", s.Skipped)
			require.Len(t, s.Skipped, c.skipped)
			for _, reason := range s.Skipped {
				require.LessOrEqual(t, len(reason), maxReason)
			}
		})
	}
}

func repeat(w want, n int) (list []want) {
	for range n {
		list = append(list, w)
	}
	return list
}

func TestRefused(t *testing.T) {
	_, err := Parse(make([]byte, MaxSize+1))
	require.ErrorIs(t, err, ErrTooBig)
	for _, s := range []string{
		"", "\x00", "hello", head, "m=", head + "m=audio 0 RTP/AVP 97\r\n", strings.Repeat("m=\n", 20000),
		head + strings.Replace(plain, "AVP", "SAVP", 1),
	} {
		_, err := Parse([]byte(s))
		require.ErrorIs(t, err, ErrNoMedia)
	}
}

// The configurations of all tracks together must not outgrow a description.
func TestTooMuchConfig(t *testing.T) {
	section := lines("m=audio 0 RTP/AVP 97", "a=rtpmap:97 foo/8000", "a=fmtp:97 x="+strings.Repeat("y", 10<<10))
	s, err := Parse([]byte(head + section + section + section + plain))
	require.NoError(t, err)
	require.Len(t, s.Medias, 3)
	require.Len(t, s.Skipped, 1)
	require.Equal(t, 3, s.Medias[2].Index)
}

func TestControl(t *testing.T) {
	for _, c := range []struct{ session, media string }{
		{"", ""}, {"*", "trackID=1"}, {"rtsp://h/s", "rtsp://h/s/t1"}, {"sub", "t=1:2"}, {"*", "*"},
	} {
		d := head
		if c.session != "" {
			d += "a=control:" + c.session + "\r\n"
		}
		d += "a=range:npt=0-12.5\r\n" + plain
		if c.media != "" {
			d += "a=Control: " + c.media + " \r\n"
		}
		s, err := Parse([]byte(d))
		require.NoError(t, err)
		require.Equal(t, c.session, s.Control)
		require.Equal(t, "npt=0-12.5", s.Range)
		require.Equal(t, c.media, s.Medias[0].Control)
	}
	s, err := Parse([]byte(head + plain + "a=range:npt=now-\r\na=control:a\x01b\x7fc\xff\r\n"))
	require.NoError(t, err)
	require.Equal(t, "npt=now-", s.Range)
	require.Equal(t, "abc\xff", s.Medias[0].Control)
}

func TestControlURL(t *testing.T) {
	for _, c := range []struct{ base, session, media, want string }{
		{"rtsp://h/s", "", "trackID=0", "rtsp://h/s/trackID=0"},
		{"rtsp://h/s/", "*", "trackID=0", "rtsp://h/s/trackID=0"},
		{"rtsp://h/s/", "*", "/trackID=0", "rtsp://h/s/trackID=0"},
		{"rtsp://h/s?a=b", "", "trackID=0", "rtsp://h/s?a=b/trackID=0"},
		{"rtsp://h/s/?a=b", "", "trackID=0", "rtsp://h/s/?a=b/trackID=0"},
		{"rtsp://h/s", "", "?track=1", "rtsp://h/s?track=1"},
		{"rtsp://h/s", "", "", "rtsp://h/s"},
		{"rtsp://h/s/", "*", "*", "rtsp://h/s/"},
		{"rtsp://h/s", "", "RTSP://other/t", "RTSP://other/t"},
		{"rtsp://h/s", "", "rtsps://other/t", "rtsps://other/t"},
		{"rtsp://h/s", "rtsp://other/u/", "t1", "rtsp://other/u/t1"},
		{"rtsp://h/s", "rtsp://other/u/", "", "rtsp://other/u/"},
		{"rtsp://h/s", "sub", "", "rtsp://h/s/sub"},
		{"rtsp://h/s", "sub", "t1", "rtsp://h/s/t1"},
		{"rtsp://h/s", "", "http://x", "rtsp://h/s/http://x"},
	} {
		require.Equal(t, c.want, ControlURL(c.base, c.session, c.media), "%v", c)
	}
}

func TestMediaFields(t *testing.T) {
	s, err := Parse([]byte(head + lines(
		"m=Video 0 RTP/AVP 96", "a=rtpmap:96 h264/90000", "a=fmtp:96 Mode = x;flag; a=1 b=2; a=3",
		"a=framesize:96 640-480", "a=framerate:12.5",
		"m=audio 0 RTP/AVP 97", "a=rtpmap:97 Opus/48000/2",
		"m=video 0 RTP/AVP 26", "a=x-dimensions:320, 240", "a=framerate:NaN",
		"m=video 0 RTP/AVP 10",
		"m=audio 0 RTP/AVP 97", "a=rtpmap:97 MPEG4-generic/48000/2", "a=fmtp:97 config="+hex.EncodeToString([]byte{0x13, 0x38}))))
	require.NoError(t, err)
	require.Len(t, s.Medias, 5)
	m := s.Medias[0]
	require.Equal(t, "video", m.Kind)
	require.Equal(t, "H264", m.Encoding)
	require.Equal(t, map[string]string{"mode": "x", "a": "1", "b": "2"}, m.Params)
	require.Equal(t, &media.Track{ID: 1, Codec: media.H264, ClockRate: 90000, Width: 640, Height: 480, FPS: 12.5}, m.Track)
	m = s.Medias[1]
	require.Nil(t, m.Params)
	require.Equal(t, 2, m.Channels)
	require.Equal(t, &media.Track{ID: 2, Codec: media.Opus, ClockRate: 48000, SampleRate: 48000, Channels: 2}, m.Track)
	m = s.Medias[2]
	require.Equal(t, "JPEG", m.Encoding)
	require.Equal(t, &media.Track{ID: 3, Codec: media.JPEG, ClockRate: 90000, Width: 320, Height: 240}, m.Track)
	m = s.Medias[3]
	require.Equal(t, "audio", m.Kind) // whatever the m-line says
	require.Equal(t, &media.Track{ID: 4, Codec: media.L16, ClockRate: 44100, SampleRate: 44100, Channels: 2}, m.Track)
	m = s.Medias[4] // the configuration says 24000 Hz and 7.1
	require.Equal(t, "MPEG4-GENERIC", m.Encoding)
	require.Equal(t, &media.Track{ID: 5, Codec: media.AAC, ClockRate: 48000, Config: []byte{0x13, 0x38}, SampleRate: 24000, Channels: 8}, m.Track)
}

func TestSizeOfParameterSets(t *testing.T) {
	s, err := Parse(fmt.Appendf(nil, "%s%sa=fmtp:96 sprop-parameter-sets=%s\r\n", head, plain, b64(avcSPS)))
	require.NoError(t, err)
	require.Positive(t, s.Medias[0].Track.Width) // one set is enough for that
	require.Empty(t, s.Medias[0].Track.Config)
}

// The worst that fits into a description must not keep a server busy.
func TestParseIsQuick(t *testing.T) {
	fill := func(start, more string) string { return start + strings.Repeat(more, (MaxSize-len(start))/len(more)) }
	var formats strings.Builder
	for i := range 128 {
		fmt.Fprintf(&formats, " %d", i)
	}
	start := time.Now()
	for _, s := range []string{
		fill(head+"m=video 0 RTP/AVP"+formats.String()+"\r\n", "a=fmtp:127 a\r\n"),
		fill(head+"m=video 0 RTP/AVP", formats.String()),
		fill(head+plain+"a=fmtp:96 ", "a=b "),
		fill(head+plain+"a=fmtp:96 a=", "b "),
		fill(head+plain+"a=fmtp:96 ", ";a=b"),
		fill(head+plain+"a=fmtp:96 sprop-parameter-sets=", b64(avcSPS)+","),
		fill(head+plain, "m=x\n"),
		fill("", "a=\n"),
	} {
		_, _ = Parse([]byte(s))
	}
	require.Less(t, time.Since(start), 5*time.Second)
}
