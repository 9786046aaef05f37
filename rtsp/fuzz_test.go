package rtsp

import (
	"bytes"
	"context"
	"io"
	"net"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sluice-media/sluice/hook"
	"github.com/sluice-media/sluice/internal/rtp/mux"
	"github.com/sluice-media/sluice/media"
)

type passwords struct{}

func (passwords) OnRTSPRealm(context.Context, *hook.RTSPRealmEvent) (string, error) { return "r", nil }

func (passwords) OnRTSPAuth(context.Context, *hook.RTSPAuthEvent) (hook.RTSPAuthReply, error) {
	return hook.RTSPAuthReply{Password: "pw"}, nil
}

// FuzzAuthorization sends any Authorization header: nobody gets in who does not know the nonce.
func FuzzAuthorization(f *testing.F) {
	f.Add(`Digest username="ann", realm="r", nonce="n", uri="rtsp://h/a/b", response="0123456789abcdef0123456789abcdef"`)
	f.Add(`Digest username="", algorithm=MD5, nonce=, response=`)
	f.Add("Basic YW5uOnB3")
	m, err := media.New(media.Config{Hooks: []hook.Hook{passwords{}}, PlayWait: -1})
	require.NoError(f, err)
	defer m.Close()
	s, err := NewServer(m, Config{})
	require.NoError(f, err)
	f.Fuzz(func(t *testing.T, value string) {
		client, server := net.Pipe()
		x := newSession(s, server)
		done := make(chan struct{})
		go func() {
			defer close(done)
			x.Serve()
		}()
		request := append([]byte("DESCRIBE rtsp://h/a/b RTSP/1.0\r\nCSeq: 1\r\nAuthorization: "), bytes.ReplaceAll([]byte(value), []byte("\n"), nil)...)
		go func() {
			_, _ = client.Write(append(request, "\r\n\r\n"...))
		}()
		_ = client.SetReadDeadline(time.Now().Add(5 * time.Second))
		b := make([]byte, 1024)
		n, _ := client.Read(b)
		require.NotContains(t, string(b[:n]), " 404 ", "it got past the login")
		client.Close()
		<-done
	})
}

// FuzzHear gives any datagram to a player's reports: what it claims to have lost stays a number of packets.
func FuzzHear(f *testing.F) {
	f.Add([]byte("\x81\xc9\x00\x07\x00\x00\x00\x01\x00\x00\x00\x02\x10\x00\x00\x05\x00\x00\x00\x09\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"))
	f.Add([]byte("\x80\xcb\x00\x00"))
	m, err := media.New(media.Config{})
	require.NoError(f, err)
	defer m.Close()
	s, err := NewServer(m, Config{})
	require.NoError(f, err)
	s.formats = mux.NewFormats(mux.Config{Seed: 2})
	f.Fuzz(func(t *testing.T, b []byte) {
		client, server := net.Pipe()
		defer client.Close()
		defer server.Close()
		x := newSession(s, server)
		defer x.entry.Close()
		p := &playback{session: x}
		p.hear(b)
		require.LessOrEqual(t, x.entry.Lost(), uint64(mux.MaxTracks*0x7fffff))
		received, _ := x.entry.Bytes()
		require.Equal(t, uint64(len(b)), received)
	})
}

// FuzzUnbase64 decodes what comes by POST.
func FuzzUnbase64(f *testing.F) {
	f.Add([]byte("T1BUSU9OUyAqIFJUU1AvMS4wDQo=Q1NlcTogMQ==\r\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		out, _ := io.ReadAll(&unbase64{r: bytes.NewReader(b)})
		require.LessOrEqual(t, len(out), len(b))
	})
}

func TestUnbase64(t *testing.T) {
	out, err := io.ReadAll(&unbase64{r: bytes.NewReader([]byte("T1BUSU9OUyAq\r\nIFJUU1AvMS4wDQo=Q1NlcTogMQ=="))})
	require.NoError(t, err)
	require.Equal(t, "OPTIONS * RTSP/1.0\r\nCSeq: 1", string(out))
	_, err = io.ReadAll(&unbase64{r: bytes.NewReader([]byte("####"))})
	require.Error(t, err)
}
