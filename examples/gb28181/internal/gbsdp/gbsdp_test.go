package gbsdp_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sluice-media/sluice/examples/gb28181/internal/gbsdp"
)

func offer() *gbsdp.Session {
	return &gbsdp.Session{
		Owner: "34020000001310000001", Name: "Play", Host: "192.0.2.1", Port: 30000, TCP: true, Setup: gbsdp.Passive,
		Direction: "recvonly", SSRC: 200000001,
		Formats: []gbsdp.Format{{Type: 96, Name: "PS", Clock: 90000}, {Type: 98, Name: "H264", Clock: 90000}},
	}
}

func TestRoundTrip(t *testing.T) {
	want := offer()
	require.Contains(t, string(want.Bytes()), "\r\ny=0200000001\r\n")
	got, err := gbsdp.Parse(want.Bytes())
	require.NoError(t, err)
	require.Equal(t, want, got)
	want.TCP, want.Setup, want.Host = false, "", "2001:db8::1"
	require.Contains(t, string(want.Bytes()), "c=IN IP6 2001:db8::1\r\nt=0 0\r\nm=video 30000 RTP/AVP 96 98\r\n")
	got, err = gbsdp.Parse(want.Bytes())
	require.NoError(t, err)
	require.Equal(t, want, got)
}

// Answers as devices write them.
func TestAnswers(t *testing.T) {
	s, err := gbsdp.Parse([]byte("v=0\no=34020000001320000001 0 0 IN IP4 192.0.2.7\ns=Embedded IPC\nt=0 0\n" +
		"m=audio 9 RTP/AVP 8\nc=IN IP4 192.0.2.9\na=rtpmap:8 PCMA/8000\na=setup:nobody\n" +
		"m=video 15060 TCP/RTP/AVP 96\nc=IN IP4 192.0.2.8\na=setup:active\na=sendonly\na=rtpmap:96 PS/90000/1\n" +
		"a=streamnumber:0\na=filesize:x\nf=v/2/5/25/1/2048a/1/8/1\nnonsense\ny=0100000001  \nm=video 1 RTP/AVP 97\n"))
	require.NoError(t, err)
	require.Equal(t, &gbsdp.Session{
		Owner: "34020000001320000001", Name: "Embedded IPC", Host: "192.0.2.8", Port: 15060, TCP: true, Setup: gbsdp.Active,
		Direction: "sendonly", Formats: []gbsdp.Format{{Type: 96, Name: "PS", Clock: 90000}}, SSRC: 100000001,
	}, s)
}

func TestBadSessions(t *testing.T) {
	good := string(offer().Bytes())
	for name, change := range map[string][2]string{
		"no video":            {"m=video", "m=audio"},
		"no port":             {"30000", "65536"},
		"no protocol":         {"TCP/RTP/AVP", "UDP/TLS"},
		"type out of range":   {"AVP 96", "AVP 128"},
		"a name as a host":    {"c=IN IP4 192.0.2.1", "c=IN IP4 example.com"},
		"SSRC of eleven":      {"y=0200000001", "y=42949672960"},
		"no role":             {"setup:passive", "setup:both"},
		"too many types":      {"AVP 96", "AVP 96 0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29 30 31"},
		"no clock":            {"PS/90000", "PS"},
		"too long":            {"s=Play", "s=" + strings.Repeat("x", gbsdp.MaxBody)},
		"medium is too short": {"m=video 30000 TCP/RTP/AVP 96 98", "m=video 30000"},
	} {
		bad := strings.Replace(good, change[0], change[1], 1)
		require.NotEqual(t, good, bad, name)
		_, err := gbsdp.Parse([]byte(bad))
		require.ErrorIs(t, err, gbsdp.ErrBadSession, name)
	}
}

func FuzzParse(f *testing.F) {
	f.Add(offer().Bytes())
	f.Add([]byte("m=video 1 RTP/AVP 96\nc=IN IP6 ::1%x\na=rtpmap:96 PS/90000\na=setup:active\ny=1\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		s, err := gbsdp.Parse(b)
		if err != nil {
			require.ErrorIs(t, err, gbsdp.ErrBadSession)
			return
		}
		again, err := gbsdp.Parse(s.Bytes())
		if err != nil {
			return // an answer without c= cannot be written
		}
		require.Equal(t, s.SSRC, again.SSRC)
		require.Equal(t, s.Port, again.Port)
		require.Equal(t, s.TCP, again.TCP)
	})
}
