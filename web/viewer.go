package web

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/sluice-media/sluice/internal/hls"
	"github.com/sluice-media/sluice/media"
)

const (
	// viewerTime is how long a viewer of HLS counts as one after its last request.
	viewerTime = 60 * time.Second
	// lingerTime is how long segments are made when the last viewer has gone.
	lingerTime = 10 * time.Second
	// sameAfter is how long after its last playlist a client without a cookie is taken for the same viewer when it asks
	// again: one that asks at once is another.
	sameAfter = 150 * time.Millisecond
	// maxViewers bounds the viewers of HLS.
	maxViewers = 100_000

	cookieName = "ZLM_HTTP_COOKIE"
)

// viewer is a session without a connection: somebody who watches by HLS.
type viewer struct {
	cookie  string
	place   place
	variant *variant
	entry   *media.Session
	player  *media.Player
	live    *hls.Live
	release func()
	timer   *time.Timer

	confirmed atomic.Bool // it has shown its cookie
	asked     time.Time   // for a playlist; guarded by the mutex of viewers
}

// viewer returns the viewer that asks for a playlist: a known one, or a new one that may play.
func (h *Handler) viewer(ctx context.Context, r *http.Request, t hlsTarget) (*viewer, error) {
	query := forwardedQuery(r.URL.RawQuery)
	p := place{t.key, t.variant.schema, h.config().remote(r).Addr(), query}
	if v := h.viewers.again(r, p, time.Now()); v != nil {
		if !h.isPast(v) {
			return v, nil
		}
		h.dismiss(v, nil) // what it watched has ended, and the name is another stream's
	}
	v := &viewer{place: p, variant: t.variant, cookie: newCookie(), asked: time.Now()}
	v.timer = time.AfterFunc(viewerTime, func() { h.dismiss(v, nil) })
	v.entry = h.newHLSSession(r, v, func(cause error) { h.dismiss(v, cause) })
	if err := h.admitViewer(ctx, v); err != nil {
		v.timer.Stop()
		h.logRefusal(target{key: t.key}, v.entry, err)
		v.entry.Close()
		return nil, err
	}
	h.settle(r)
	return v, nil
}

// isPast reports whether the stream of a viewer has ended and there is another of that name.
func (h *Handler) isPast(v *viewer) bool {
	st, ok := h.media.Stream(v.place.key)
	return ok && st != v.player.Stream()
}

// goesOn says that the viewer is still there. What has ended is not kept for longer by asking for it.
func (v *viewer) goesOn() {
	if !v.live.Ended() {
		v.timer.Reset(viewerTime)
	}
}

// admitViewer lets a viewer play, and enters it.
func (h *Handler) admitViewer(ctx context.Context, v *viewer) (err error) {
	v.player, err = h.media.Play(ctx, media.PlayRequest{
		Stream: v.place.key, Session: v.entry, Schema: v.place.schema, Params: v.place.query,
	})
	if err != nil {
		return err
	}
	cfg := v.variant.config(h.config().HLS.withDefaults())
	st := v.player.Stream()
	v.live, v.release, err = media.Share(ctx, st, hlsKey{v.variant, cfg}, lingerTime, func(ctx context.Context) (*hls.Live, error) {
		return hls.Open(ctx, st, v.variant.format, cfg)
	})
	if err != nil {
		v.player.Close(err)
		return err
	}
	err = h.enterViewer(v)
	if err == nil {
		if err = v.entry.Err(); err != nil && !h.viewers.remove(v) {
			return err // whoever has kicked it has ended it
		}
	}
	if err != nil {
		v.release()
		v.player.Close(err)
	}
	return err
}

// enterViewer enters a viewer, unless the handler ends or has too many.
func (h *Handler) enterViewer(v *viewer) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	switch {
	case h.closing:
		return media.ErrServerClosed
	case !h.viewers.add(v):
		return errTooMany
	}
	return nil
}

// errTooMany says that there is no room for another viewer.
var errTooMany = errors.New("web: too many viewers by HLS")

// hlsKey is what the viewers of a stream share its segments by.
type hlsKey struct {
	variant *variant
	cfg     hls.Config
}

// dismiss ends a viewer.
func (h *Handler) dismiss(v *viewer, cause error) {
	v.timer.Stop()
	if !h.viewers.remove(v) {
		return
	}
	v.player.Close(cause)
	v.release()
	h.logEnd(v.entry, v.player, cause)
	v.entry.Close()
}

// newCookie returns 32 hexadecimal digits, as ZLMediaKit's cookies have.
func newCookie() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails
	return hex.EncodeToString(b[:])
}

// setCookie gives the viewer its cookie, for the folder of the stream.
func (v *viewer) setCookie(head http.Header, folder string) {
	until := time.Now().Add(viewerTime).UTC().Format(http.TimeFormat)
	head.Add("Set-Cookie", cookieName+"="+v.cookie+";expires="+until+";path="+folder)
}

// write writes a reply and counts it. The client has replyTime for each stretch of it.
func (v *viewer) write(w http.ResponseWriter, pieces ...[]byte) {
	size := 0
	for _, p := range pieces {
		size += len(p)
	}
	w.Header().Set("Content-Length", strconv.Itoa(size))
	control := http.NewResponseController(w)
	for _, p := range pieces {
		for stretch := range slices.Chunk(p, maxStretch) {
			_ = control.SetWriteDeadline(time.Now().Add(replyTime)) // not every server can do that
			n, err := w.Write(stretch)
			v.entry.Sent(n)
			if err != nil {
				return // the client has left
			}
		}
	}
}

// maxStretch is how much of a segment is written at once, in bytes: who cannot take it in replyTime cannot watch.
const maxStretch = 256 << 10
