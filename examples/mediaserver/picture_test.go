package main

import (
	"bytes"
	"io"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sluice-media/sluice/internal/testmedia/reel"
	"github.com/sluice-media/sluice/media"
)

// picture asks for the picture of a stream as the page does.
func (g *stage) picture(query, secret string) (*http.Response, []byte) {
	g.t.Helper()
	r, err := http.NewRequestWithContext(g.t.Context(), http.MethodGet, "http://"+g.ports["28080"]+"/picture?"+query, nil)
	require.NoError(g.t, err)
	if secret != "" {
		r.Header.Set("secret", secret)
	}
	res, err := http.DefaultClient.Do(r)
	require.NoError(g.t, err)
	defer res.Body.Close()
	data, err := io.ReadAll(res.Body)
	require.NoError(g.t, err)
	return res, data
}

// Who looks at pictures in the list is no viewer, as he is at .snap.mp4: hooks are not asked or told, and a stream that nobody watches is told
// of in time.
func TestPictureIsNoViewer(t *testing.T) {
	g := newHooked(t, nil, map[string]string{"general.streamNoneReaderDelayMS": "300"})
	g.goOn()
	g.await("test")
	const stream = "vhost=__defaultVhost__&app=live&stream=test"
	res, data := g.picture(stream, goldenSecret)
	require.Equal(t, http.StatusOK, res.StatusCode)
	require.Equal(t, "video/mp4", res.Header.Get("Content-Type"))
	require.Equal(t, "no-store", res.Header.Get("Cache-Control"))
	require.Len(t, reel.Hashes(t, "a.mp4", reel.Pictures, data), 1)
	for end := time.Now().Add(limit); len(g.events("on_stream_none_reader")) == 0; {
		require.True(t, time.Now().Before(end), "the stream is kept alive")
		g.picture(stream, goldenSecret)
	}
	res, data = g.picture("app=live&stream=absent", goldenSecret)
	require.Equal(t, http.StatusNoContent, res.StatusCode)
	require.Empty(t, data)
	res, _ = g.picture(stream, "")
	require.Equal(t, http.StatusUnauthorized, res.StatusCode)

	require.Equal(t, http.StatusOK, g.fetch("/live/test.snap.mp4?k=v").StatusCode)
	g.awaitEvents("on_flow_report", 1)
	for _, name := range []string{"on_play", "on_flow_report"} {
		events := g.events(name)
		require.Len(t, events, 1, name)
		require.Equal(t, "k=v", events[0].body["params"])
	}
	require.Empty(t, g.events("on_stream_not_found"))
}

// A stream of JPEGs needs no container, and one of sound has no picture.
func TestPictureOfOtherStreams(t *testing.T) {
	g := newStage(t)
	for name, track := range map[string]*media.Track{
		"jpeg":  {ID: 1, Codec: media.JPEG, Width: 16, Height: 16, ClockRate: 90000},
		"sound": {ID: 1, Codec: media.G711A, ClockRate: 8000, SampleRate: 8000, Channels: 1},
	} {
		pub, err := g.media.Publish(t.Context(), media.PublishRequest{Stream: media.StreamKey{App: "live", Name: name}, Authorized: true})
		require.NoError(t, err)
		defer pub.Close(nil)
		require.NoError(t, pub.SetTracks(track))
		require.NoError(t, pub.WritePacket(&media.Packet{Track: track, Key: true, Data: []byte("\xff\xd8picture")}))
	}
	res, data := g.picture("app=live&stream=jpeg", goldenSecret)
	require.Equal(t, "image/jpeg", res.Header.Get("Content-Type"))
	require.True(t, bytes.HasSuffix(data, []byte("picture")))
	res, _ = g.picture("app=live&stream=sound", goldenSecret)
	require.Equal(t, http.StatusNoContent, res.StatusCode)
}

// The list tells who may call the API, also where it is for everybody.
func TestListTellsWhoMayCall(t *testing.T) {
	g := newStage(t)
	ask := func(secret string) (int, string) {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+g.ports["28080"]+"/streams.json", nil)
		require.NoError(t, err)
		if secret != "" {
			r.Header.Set("secret", secret)
		}
		res, err := http.DefaultClient.Do(r)
		require.NoError(t, err)
		res.Body.Close()
		return res.StatusCode, res.Header.Get(mayCall)
	}
	for _, public := range []string{"0", "1"} {
		g.set("http.publicStreams", public)
		status, may := ask(goldenSecret)
		require.Equal(t, http.StatusOK, status)
		require.Equal(t, "yes", may)
		for _, secret := range []string{"", "wrong"} {
			status, may = ask(secret)
			require.Equal(t, map[string]int{"0": http.StatusUnauthorized, "1": http.StatusOK}[public], status)
			require.Empty(t, may)
		}
	}
}
