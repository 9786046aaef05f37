package web_test

import (
	"bytes"
	"io"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sluice-media/sluice/media"
	"github.com/sluice-media/sluice/web"
)

// A reply in MP4 goes on with another header where its pictures get another size, and ends where they get another codec: what reads files
// would take what follows for what it is not. Who comes again goes on with that, and who gets messages has got it as another header.
func TestMP4WhoseTracksChange(t *testing.T) {
	track := func(width int) *media.Track {
		track := &media.Track{ID: 1, Codec: media.VP8, Width: width, Height: 64}
		if width == 256 {
			track.Codec = media.VP9
		}
		return track
	}
	s := start(t, media.Config{}, web.Config{}, nil)
	pub, err := s.media.Publish(t.Context(), media.PublishRequest{Stream: media.StreamKey{App: "live", Name: "a"}})
	require.NoError(t, err)
	at := time.Duration(0)
	write := func(width int) {
		for i := range 5 {
			p := &media.Packet{Track: track(width), DTS: at, PTS: at, Key: i == 0, Data: []byte{1, 2, 3}}
			require.NoError(t, pub.WritePacket(p))
			at += 100 * time.Millisecond
		}
	}
	require.NoError(t, pub.SetTracks(track(64)))
	write(64)
	request := func() *http.Response {
		_, r := s.send(t, get("/live/a.live.mp4", ""))
		reply, err := http.ReadResponse(r, nil)
		require.NoError(t, err)
		t.Cleanup(func() { reply.Body.Close() })
		return reply
	}
	headers := func(reply *http.Response) int {
		b, err := io.ReadAll(reply.Body)
		require.NoError(t, err)
		return bytes.Count(b, []byte("moov"))
	}
	first, messages := request(), s.dial(t, "/live/a.live.mp4")
	_, err = io.ReadFull(first.Body, make([]byte, 8)) // it plays
	require.NoError(t, err)
	messages.next()
	require.NoError(t, pub.SetTracks(track(128)))
	write(128)
	require.NoError(t, pub.SetTracks(track(256)))
	write(256)
	require.Equal(t, 2, headers(first))
	second := request()
	for range 2 {
		for !bytes.Contains(messages.next().Payload, []byte("moov")) {
		}
	}
	pub.Close(nil)
	require.Equal(t, 1, headers(second))
}
