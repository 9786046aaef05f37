package rtsp

import (
	"context"
	"errors"
	"fmt"

	"github.com/sluice-media/sluice/hook"
	"github.com/sluice-media/sluice/internal/acceptor"
	"github.com/sluice-media/sluice/internal/redact"
	"github.com/sluice-media/sluice/internal/rtp/sdp"
	"github.com/sluice-media/sluice/media"
	"github.com/sluice-media/sluice/rtsp/internal/wire"
)

// describe answers DESCRIBE (RFC 2326, 10.2).
func (x *session) describe(r *wire.Request) (*wire.Response, error) {
	if x.publisher != nil || x.playing() {
		return &wire.Response{Code: wire.StatusMethodNotValid}, nil
	}
	if res, err := x.open(r); res != nil || err != nil {
		return res, err
	}
	res := &wire.Response{Code: wire.StatusOK}
	res.Header.Add("Content-Base", x.player.target.base+"/")
	res.Header.Add("Content-Type", "application/sdp")
	name := x.player.media.Stream().Key().Name
	if length, private := x.player.media.Private(); private {
		res.Body = sdp.AppendSource(nil, name, length, x.player.offers)
	} else {
		res.Body = sdp.Append(nil, name, x.player.offers)
	}
	return res, nil
}

// open makes the client a player of the stream that a request names, unless it is already. It returns the
// response if it must not be one.
func (x *session) open(r *wire.Request) (*wire.Response, error) {
	t, ok := parseTarget(r.URL, x.server.config().EnableVHost)
	if x.player != nil && !ok {
		return &wire.Response{Code: wire.StatusNotFound}, nil // some try where a track may be
	}
	if !ok {
		return x.refuse(wire.StatusNotFound, "", fmt.Errorf("%w: %.200q", media.ErrBadName, redact.URL(r.URL)))
	}
	if x.player != nil && x.player.target.key == t.key {
		return nil, nil //nolint:nilnil // there is no response yet
	}
	if x.player != nil {
		return &wire.Response{Code: wire.StatusMethodNotValid}, nil
	}
	res, authorized, err := x.authorize(r, t)
	if res != nil || err != nil {
		return res, err
	}
	player, tracks, err := x.admit(t, authorized)
	if player == nil {
		return x.refusePlay(t.key, err)
	}
	x.player = newPlayback(x, t, player, tracks)
	if err != nil {
		return nil, err
	}
	if len(x.player.offers) == 0 {
		return x.refuse(wire.StatusNotAcceptable, "RTP carries no track of the stream", media.ErrUnknownTrack)
	}
	return nil, nil //nolint:nilnil // there is no response yet
}

// admit asks the hooks and waits for the stream and its tracks.
func (x *session) admit(t target, authorized bool) (player *media.Player, tracks []*media.Track, err error) {
	err = x.while(func(ctx context.Context) (err error) {
		player, err = x.server.media.Play(ctx, media.PlayRequest{
			Stream: t.key, Session: x.entry, Schema: "rtsp", Params: t.params, Authorized: authorized,
		})
		if err != nil {
			return err
		}
		tracks, err = player.Stream().Tracks(ctx)
		return err
	})
	return player, tracks, err
}

// refuse sends a client away.
func (x *session) refuse(code int, text string, cause error) (*wire.Response, error) {
	res := &wire.Response{Code: code}
	if text != "" {
		res.Header.Add("Content-Type", "text/plain")
		res.Body = []byte(text)
	}
	res.Header.Add("Connection", "Close")
	return res, &acceptor.Refusal{Cause: cause}
}

// refusePlay tells the client why it may not play.
func (x *session) refusePlay(key hook.StreamKey, err error) (*wire.Response, error) {
	err = &acceptor.StreamError{Op: "play", Stream: key.String(), Err: err}
	if errors.Is(err, media.ErrStreamNotFound) || errors.Is(err, media.ErrBadName) {
		return x.refuse(wire.StatusNotFound, "", err)
	}
	return x.refuseAsked(err)
}

// refuseAsked tells the client what hooks have decided, or that they could not.
func (x *session) refuseAsked(err error) (*wire.Response, error) {
	if errors.Is(err, context.Canceled) {
		return nil, err // it has left, and is told nothing
	}
	code := wire.StatusServiceUnavailable
	if _, denied := hook.Denied(err); denied {
		code = wire.StatusUnauthorized
	}
	if errors.Is(err, media.ErrServerClosed) {
		return x.refuse(code, "", err)
	}
	return x.refuse(code, hook.PeerText(err), err)
}
