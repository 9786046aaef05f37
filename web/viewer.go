package web

import (
	"container/list"
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/sluice-media/sluice/hook"
	"github.com/sluice-media/sluice/internal/hls"
	"github.com/sluice-media/sluice/media"
)

const (
	// viewerTime is how long a viewer of HLS counts as one after its last request, and how long it is remembered that one may
	// not watch.
	viewerTime = 60 * time.Second
	// lingerTime is how long segments are made when the last viewer has gone.
	lingerTime = 10 * time.Second

	cookieName = "ZLM_HTTP_COOKIE"
)

// viewer is a session without a connection: somebody who watches by HLS.
type viewer struct {
	cookie  string // guarded by the mutex of viewers
	place   place
	variant *variant
	entry   *media.Session
	player  *media.Player
	live    *hls.Live
	release func()
	timer   *time.Timer
	life    context.Context // ends with it
	die     context.CancelFunc
	// keepEnded is how long it has what there is when the stream has ended.
	keepEnded time.Duration
	target    time.Duration // that of its playlist
	given     bool          // the cookie is a new one

	confirmed atomic.Bool // it has shown its cookie
	endless   atomic.Bool // its stream had not ended when it asked last

	// Guarded by the mutex of viewers.
	asked   time.Time     // when it has asked for a playlist
	wires   []wire        // by which it asks; none if it has shown its cookie
	kept    bool          // it has asked twice by the same
	refusal error         // why it may not watch any more
	in      *list.List    // of its crowd; nil if it has shown its cookie
	at      *list.Element // its own there
}

// ticket is what the viewer is known by when it shows its cookie.
func (v *viewer) ticket() ticket { return ticket{v.cookie, v.place.schema} }

// join enters a viewer in a list of its crowd.
func (v *viewer) join(in *list.List) { v.in, v.at = in, in.PushBack(v) }

// viewer returns the viewer that asks for a playlist: a known one, or a new one that may play.
func (h *Handler) viewer(w http.ResponseWriter, r *http.Request, t hlsTarget, a ask) (*viewer, error) {
	p := place{t.key, t.variant.schema, h.config().remote(r).Addr(), forwardedQuery(r.URL.RawQuery)}
	v, err := h.viewers.again(r, p, a, h.variants)
	switch {
	case err != nil:
		return nil, err
	case v != nil && !h.isPast(v):
		return v, nil
	case v != nil:
		h.dismiss(v, nil) // what it watched has ended, and the name is another stream's
	}
	return h.newViewer(w, r, t, p, a)
}

// newViewer lets in somebody who is not known. It may have to wait for the stream.
func (h *Handler) newViewer(w http.ResponseWriter, r *http.Request, t hlsTarget, p place, a ask) (*viewer, error) {
	unbound(w)
	defer bound(w, r)
	ctx, cancel := context.WithTimeout(r.Context(), hlsWait)
	defer cancel()
	v := &viewer{place: p, variant: t.variant}
	v.cookie, v.given = h.viewers.cookieFor(r, t.key, h.variants)
	v.endless.Store(true)
	v.life, v.die = context.WithCancel(context.Background())
	v.timer = time.AfterFunc(viewerTime, func() { h.expire(v) })
	v.entry = h.newHLSSession(r, v, func(cause error) { h.kick(v, cause) })
	if err := h.admitViewer(ctx, v, a); err != nil {
		v.timer.Stop()
		v.die()
		h.logRefusal(target{key: t.key}, v.entry, err)
		v.entry.Close()
		if _, denied := hook.Denied(err); denied {
			h.viewers.deny(p, err)
		}
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

// goesOn says that the viewer is still there. From the end of its stream on that prolongs nothing.
func (v *viewer) goesOn() {
	switch {
	case !v.live.Ended():
		v.timer.Reset(viewerTime)
	case v.endless.CompareAndSwap(true, false):
		v.timer.Reset(v.keepEnded)
	}
}

// admitViewer lets a viewer play, and enters it.
func (h *Handler) admitViewer(ctx context.Context, v *viewer, a ask) (err error) {
	v.player, err = h.media.Play(ctx, media.PlayRequest{
		Stream: v.place.key, Session: v.entry, Schema: v.place.schema, Params: v.place.query,
	})
	if err != nil {
		return err
	}
	cfg := h.config().HLS.withDefaults()
	v.keepEnded = cfg.KeepEnded
	v.live, v.release, err = v.variant.share(ctx, v.player.Stream(), cfg)
	if err != nil {
		v.player.Close(err)
		return err
	}
	v.target = v.live.Target()
	a.at = time.Now() // it may have waited
	err = h.enterViewer(v, a)
	if err == nil {
		if err = v.entry.Err(); err != nil && !h.viewers.end(v, nil) {
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
func (h *Handler) enterViewer(v *viewer, a ask) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	switch {
	case h.closing:
		return media.ErrServerClosed
	case !h.viewers.add(v, a, h.variants):
		return errTooMany
	}
	return nil
}

// errTooMany says that there is no room for another viewer.
var errTooMany = errors.New("web: too many viewers by HLS")

// dismiss ends a viewer, who may come again.
func (h *Handler) dismiss(v *viewer, cause error) {
	v.timer.Stop()
	if h.viewers.end(v, nil) {
		h.finish(v, cause)
	}
}

// kick ends a viewer, who may not come again for a while.
func (h *Handler) kick(v *viewer, cause error) {
	if h.viewers.end(v, cause) {
		v.timer.Reset(viewerTime)
		h.finish(v, cause)
	}
}

// expire ends a viewer that has not asked for long, or forgets one that may not watch.
func (h *Handler) expire(v *viewer) {
	if h.viewers.end(v, nil) {
		h.finish(v, nil)
	} else {
		h.viewers.forget(v)
	}
}

// finish ends the session of a viewer that has been taken out.
func (h *Handler) finish(v *viewer, cause error) {
	v.die()
	v.player.Close(cause)
	v.release()
	h.logEnd(v.entry, v.player, cause)
	v.entry.Close()
}

// cookieSize is how many hexadecimal digits cookies have: as many as ZLMediaKit's.
const cookieSize = 32

func newCookie() string {
	var b [cookieSize / 2]byte
	_, _ = rand.Read(b[:]) // never fails
	return hex.EncodeToString(b[:])
}

// setCookie gives the viewer its cookie, for the folder of the stream.
func (l *viewers) setCookie(v *viewer, head http.Header, folder string) {
	l.mu.Lock()
	cookie := v.cookie
	l.mu.Unlock()
	addCookie(head, cookie, folder, time.Now().Add(viewerTime))
}

// write writes a reply and counts it. The client has replyTime for each stretch of it, and so long for all: a segment that somebody
// reads stays in memory when everybody else is done with it.
func (v *viewer) write(w http.ResponseWriter, r *http.Request, patience time.Duration, pieces ...[]byte) {
	size := 0
	for _, p := range pieces {
		size += len(p)
	}
	w.Header().Set("Content-Length", strconv.Itoa(size))
	if r.Method == http.MethodHead {
		return
	}
	control := http.NewResponseController(w)
	until := time.Now().Add(patience)
	for _, p := range pieces {
		for stretch := range slices.Chunk(p, maxStretch) {
			deadline := time.Now().Add(replyTime)
			if deadline.After(until) {
				deadline = until
			}
			_ = control.SetWriteDeadline(deadline) // not every server can do that
			if v.entry.Err() != nil || !time.Now().Before(until) {
				return // the client sees that it is not all
			}
			n, err := w.Write(stretch)
			v.entry.Sent(n)
			if err != nil {
				return // the client has left
			}
		}
	}
}

// replyTargets is how many target durations a client may take for a segment, besides replyTime: who cannot take it in that does not
// keep up with the stream by far.
const replyTargets = 4

// patience is how long a client may take for a reply.
func (v *viewer) patience() time.Duration { return replyTime + replyTargets*v.live.Target() }

// maxStretch is how much of a segment is written at once, in bytes: most of them as a whole, which costs least. Who cannot take it
// in replyTime cannot watch.
const maxStretch = 1 << 20
