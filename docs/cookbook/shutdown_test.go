package cookbook

import (
	"context"
	"io"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sluice-media/sluice/media"
	"github.com/sluice-media/sluice/web"
)

// Viewers of a stream that is pulled get its end, and nothing of the server runs on.
func TestShutDown(t *testing.T) {
	from := newMedia(t, media.Config{})
	publishClip(t, from, doorKey)
	m := newMedia(t, media.Config{})
	r := newRelay(t, m)
	pullOnDemand(r, map[string]string{"door": "rtsp://" + serveRTSP(t, from) + "/cameras/door"})
	watch, err := web.NewHandler(m, web.Config{})
	require.NoError(t, err)
	ln := listen(t)
	service := &http.Server{Handler: watch, ReadHeaderTimeout: patience}
	served := make(chan error, 1)
	go func() { served <- service.Serve(ln) }()
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	res, err := client.Get("http://" + ln.Addr().String() + "/cameras/door.live.flv")
	require.NoError(t, err)
	defer res.Body.Close()
	require.Equal(t, http.StatusOK, res.StatusCode)
	_, err = io.ReadFull(res.Body, make([]byte, 1000))
	require.NoError(t, err)
	rest := make(chan error, 1)
	go func() {
		_, err := io.Copy(io.Discard, res.Body)
		rest <- err
	}()

	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	require.NoError(t, shutDown(ctx, m, service))
	require.Empty(t, r.Pulls())
	require.NoError(t, <-rest)
	require.ErrorIs(t, <-served, http.ErrServerClosed)
	_, err = m.Play(t.Context(), media.PlayRequest{Stream: doorKey, Schema: "rtmp"})
	require.ErrorIs(t, err, media.ErrServerClosed)
}

// When the time is over the rest is closed.
func TestShutDownHard(t *testing.T) {
	m := newMedia(t, media.Config{})
	ln := listen(t)
	begun := make(chan struct{})
	service := &http.Server{ReadHeaderTimeout: patience, Handler: http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		close(begun)
		<-r.Context().Done() // a viewer of the host's own, whom nothing sends away
	})}
	served := make(chan error, 1)
	go func() { served <- service.Serve(ln) }()
	gone := make(chan error, 1)
	go func() {
		client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
		res, err := client.Get("http://" + ln.Addr().String())
		if err == nil {
			err = res.Body.Close()
		}
		gone <- err
	}()
	<-begun
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	require.ErrorIs(t, shutDown(ctx, m, service), context.DeadlineExceeded)
	require.Error(t, <-gone)
	require.ErrorIs(t, <-served, http.ErrServerClosed)
}
