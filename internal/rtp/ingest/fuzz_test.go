package ingest

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sluice-media/sluice/hook"
	"github.com/sluice-media/sluice/internal/rtp/sdp"
	"github.com/sluice-media/sluice/media"
)

// FuzzIngest gives RTP and RTCP of any kind to a publisher's tracks.
func FuzzIngest(f *testing.F) {
	const text = "v=0\r\nm=video 0 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\nm=audio 0 RTP/AVP 97\r\na=rtpmap:97 MPEG4-GENERIC/44100/2\r\n" +
		"a=fmtp:97 mode=AAC-hbr;config=1210;sizelength=13;indexlength=3;indexdeltalength=3\r\n"
	f.Add([]byte("\x10\x80\xe0\x00\x01\x00\x00\x00\x01\x00\x00\x00\x01\x65\x88\x01\x02"), true)
	f.Add([]byte("\x1d\x80\xc8\x00\x06\x00\x00\x00\x01\xe8\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01\x00\x00\x00\x01\x00\x00\x00\x01"), false)
	m, err := media.New(media.Config{})
	require.NoError(f, err)
	defer m.Close()
	f.Fuzz(func(t *testing.T, b []byte, udp bool) {
		desc, err := sdp.Parse([]byte(text))
		require.NoError(t, err)
		pub, err := m.Publish(context.Background(), media.PublishRequest{
			Stream: media.StreamKey{App: "a", Name: "b"}, Options: hook.StreamOptions{ContinuePush: new(time.Duration(0))},
		})
		require.NoError(t, err)
		defer pub.Close(nil)
		in := New(pub, desc, Options{Log: m.Logger()})
		if udp {
			in.Unreliable(0)
			in.Unreliable(1)
		}
		require.NoError(t, in.Begin())
		now := time.Unix(1_700_000_000, 0)
		for i := 0; len(b) > 1; i++ {
			n := min(int(b[0]), len(b)-1)
			packet := b[1 : 1+n]
			b = b[1+n:]
			now = now.Add(time.Duration(n) * 10 * time.Millisecond)
			if i%3 == 2 {
				in.Report(i%2, packet, now)
				in.Flush(i%2, now)
			} else {
				in.Packet(i%2, packet, now)
			}
		}
	})
}
