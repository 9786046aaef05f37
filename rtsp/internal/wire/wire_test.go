package wire

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func read(s string) (Message, error) {
	return NewReader(strings.NewReader(s), 64, nil).Next()
}

func TestRequest(t *testing.T) {
	m, err := read("ANNOUNCE rtsp://h/app/s RTSP/1.0\r\nCSeq: 3\r\ncontent-length: 4\r\nX-Long: " + strings.Repeat("x", 500) + "\r\n\r\nbody")
	require.NoError(t, err)
	r := m.Request
	require.Equal(t, "ANNOUNCE", r.Method)
	require.Equal(t, "rtsp://h/app/s", r.URL)
	require.Equal(t, "3", r.Header.Get("cseq"))
	require.True(t, r.Header.Has("Content-Length"))
	require.Len(t, r.Header.Get("x-long"), 500)
	require.Equal(t, "body", string(r.Body))
}

func TestMixture(t *testing.T) {
	in := "\r\n\x00$\x02\x00\x03abc" + "RTSP/1.0 200 OK\r\nCSeq: 1\r\nContent-Length: 2\r\n\r\nxy" +
		"$\x01\x02\x00" + strings.Repeat("y", 512) + "OPTIONS * RTSP/1.0\nCSeq: 2\n\n"
	seen := 0
	r := NewReader(strings.NewReader(in), 64, func(n int) { seen += n })
	m, err := r.Next()
	require.NoError(t, err)
	require.Equal(t, Frame{2, []byte("abc")}, m.Frame)
	m, err = r.Next()
	require.NoError(t, err)
	require.Equal(t, 200, m.Response.Code)
	require.Equal(t, "OK", m.Response.Reason)
	require.Equal(t, "1", m.Response.Header.Get("CSeq"))
	require.Equal(t, "xy", string(m.Response.Body))
	m, err = r.Next()
	require.NoError(t, err)
	require.Equal(t, byte(1), m.Frame.Channel)
	require.Len(t, m.Frame.Payload, 512)
	m, err = r.Next()
	require.NoError(t, err)
	require.Equal(t, "OPTIONS", m.Request.Method)
	require.Equal(t, "*", m.Request.URL)
	_, err = r.Next()
	require.ErrorIs(t, err, io.EOF)
	require.Equal(t, len(in), seen)
}

func TestBounds(t *testing.T) {
	for name, c := range map[string]struct {
		in   string
		want error
	}{
		"long line":       {"OPTIONS " + strings.Repeat("x", MaxHeader) + " RTSP/1.0\r\n\r\n", ErrTooBig},
		"endless line":    {"OPTIONS " + strings.Repeat("x", 3*MaxHeader), ErrTooBig},
		"many lines":      {"OPTIONS * RTSP/1.0\r\n" + strings.Repeat("a: b\r\n", MaxFields+1) + "\r\n", ErrTooBig},
		"big body":        {"ANNOUNCE * RTSP/1.0\r\nContent-Length: 999999\r\n\r\n", ErrTooBig},
		"huge body":       {"ANNOUNCE * RTSP/1.0\r\nContent-Length: 99999999999999999999\r\n\r\n", ErrMalformed},
		"negative body":   {"ANNOUNCE * RTSP/1.0\r\nContent-Length: -1\r\n\r\n", ErrMalformed},
		"no colon":        {"OPTIONS * RTSP/1.0\r\nCSeq 1\r\n\r\n", ErrMalformed},
		"bad status":      {"RTSP/1.0 twohundred OK\r\n\r\n", ErrMalformed},
		"no status":       {"RTSP/1.0\r\n\r\n", ErrMalformed},
		"no protocol":     {"OPTIONS *\r\n\r\n", ErrMalformed},
		"garbage":         {strings.Repeat("\xff", maxGarbage+1), ErrMalformed},
		"cut header":      {"OPTIONS * RTSP/1.0\r\nCSeq: 1\r\n", io.ErrUnexpectedEOF},
		"cut body":        {"ANNOUNCE * RTSP/1.0\r\nContent-Length: 10\r\n\r\nabc", io.ErrUnexpectedEOF},
		"cut frame":       {"$\x00\x00\x09abc", io.ErrUnexpectedEOF},
		"cut large frame": {"$\x00\xff\xffabc", io.ErrUnexpectedEOF},
		"cut frame head":  {"$\x00", io.ErrUnexpectedEOF},
	} {
		_, err := read(c.in)
		require.ErrorIs(t, err, c.want, name)
	}
}

func TestResponse(t *testing.T) {
	r := Response{Code: StatusNotFound, Body: []byte("gone")}
	r.Header.Add("CSeq", "7\r\nInjected: yes")
	require.Equal(t, "RTSP/1.0 404 Stream Not Found\r\nCSeq: 7  Injected: yes\r\nContent-Length: 4\r\n\r\ngone", string(r.Append(nil)))
}

func TestRequestRoundTrip(t *testing.T) {
	r := Request{Method: "ANNOUNCE", URL: "rtsp://h/a/b", Header: Header{{"CSeq", "1"}}, Body: []byte("v=0")}
	m, err := read(string(r.Append(nil)))
	require.NoError(t, err)
	require.Equal(t, r.URL, m.Request.URL)
	require.Equal(t, "RTSP/1.0", m.Request.Proto)
	require.Equal(t, r.Body, m.Request.Body)
}

func TestTransport(t *testing.T) {
	none := [2]int{-1, -1}
	for in, want := range map[string][]Transport{
		"RTP/AVP/TCP;unicast;interleaved=2-3":                   {{TCP: true, Interleaved: [2]int{2, 3}}},
		"RTP/AVP;unicast;client_port=4588-4589":                 {{Interleaved: none, ClientPort: [2]int{4588, 4589}}},
		"RTP/AVP/UDP;client_port=5000":                          {{Interleaved: none, ClientPort: [2]int{5000, 5001}}},
		"rtp/avp;multicast":                                     {{Interleaved: none, Multicast: true}},
		"RTP/AVP;destination=10.0.0.1;client_port=70000-1":      {{Interleaved: none, Destination: "10.0.0.1"}},
		"RTP/AVP/TCP; unicast; interleaved=0-1;mode=\"RECORD\"": {{TCP: true, Interleaved: [2]int{0, 1}, Record: true}},
		"RTP/SAVP;client_port=2-3":                              {{Secure: true, Interleaved: none, ClientPort: [2]int{2, 3}}},
		"X/Y,RTP/AVP/TCP;interleaved=300-301,RTP/AVP":           {{TCP: true, Interleaved: none}, {Interleaved: none}},
	} {
		got, err := ParseTransports([]string{in})
		require.NoError(t, err, in)
		require.Equal(t, want, got, in)
	}
	_, err := ParseTransports([]string{"X/Y;unicast", ""})
	require.ErrorIs(t, err, ErrMalformed)
	_, err = ParseTransports(nil)
	require.ErrorIs(t, err, ErrMalformed)
}

func FuzzReader(f *testing.F) {
	f.Add([]byte("OPTIONS * RTSP/1.0\r\nCSeq: 2\r\n\r\n$\x00\x00\x01x"))
	f.Add([]byte("ANNOUNCE rtsp://h/a/b RTSP/1.0\r\nContent-Length: 3\r\n\r\nabc"))
	f.Add([]byte("GET / HTTP/1.0\r\nx-sessioncookie: a\r\n\r\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		r := NewReader(bytes.NewReader(b), 32, nil)
		for {
			m, err := r.Next()
			if err != nil {
				return
			}
			if m.Request == nil {
				continue
			}
			require.LessOrEqual(t, len(m.Request.Header), MaxFields)
			require.LessOrEqual(t, len(m.Request.Body), MaxBody)
			res := Response{Code: StatusOK}
			res.Header.Add("CSeq", m.Request.Header.Get("CSeq"))
			require.Equal(t, 3, bytes.Count(res.Append(nil), []byte("\r\n")))
		}
	})
}

func FuzzTransport(f *testing.F) {
	f.Add("RTP/AVP/TCP;unicast;interleaved=2-3")
	f.Add("RTP/AVP;client_port=1-2,RTP/AVP;multicast")
	f.Fuzz(func(t *testing.T, s string) {
		list, err := ParseTransports([]string{s})
		require.Equal(t, err != nil, len(list) == 0)
		for _, c := range list {
			require.True(t, c.Interleaved[0] >= -1 && c.Interleaved[1] <= 255 && c.ClientPort[0] >= 0 && c.ClientPort[1] <= 65535)
		}
	})
}

// A peer that nobody has let in holds no more than a body, whatever it sends.
func TestWhatIsHeldIsBounded(t *testing.T) {
	frame := append([]byte{'$', 0, 0xff, 0xff}, make([]byte, 0xffff)...)
	request := "ANNOUNCE rtsp://h/a/b RTSP/1.0\r\nContent-Length: %d\r\n\r\n"
	wire := append(frame, fmt.Sprintf(request, MaxBody)...)
	r := NewReader(bytes.NewReader(append(wire, make([]byte, MaxBody)...)), 32, nil)
	_, err := r.Next()
	require.NoError(t, err)
	m, err := r.Next()
	require.NoError(t, err)
	require.Len(t, m.Request.Body, 64<<10)
	require.Empty(t, r.payload)
	_, err = NewReader(strings.NewReader(fmt.Sprintf(request, MaxBody+1)), 32, nil).Next()
	require.ErrorIs(t, err, ErrTooBig)
}

// What is malformed is shown without what may be secret in it.
func TestMalformedHasNoSecrets(t *testing.T) {
	for _, in := range []string{
		"DESCRIBE rtsp://me:canary@h/x RTSP/1.0 x\r\n\r\n", "GET rtsp://h/x?t=canary\r\n\r\n", "OPTIONS * RTSP/1.0\r\nAuthorization canary\r\n\r\n",
	} {
		_, err := NewReader(strings.NewReader(in), 64, nil).Next()
		require.ErrorIs(t, err, ErrMalformed)
		require.NotContains(t, err.Error(), "canary")
	}
}
