package rtsp

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/sluice-media/sluice/hook"
	"github.com/sluice-media/sluice/internal/acceptor"
	"github.com/sluice-media/sluice/internal/redact"
	"github.com/sluice-media/sluice/internal/rtp/sdp"
	"github.com/sluice-media/sluice/media"
	"github.com/sluice-media/sluice/rtsp/internal/wire"
)

// announce answers ANNOUNCE (RFC 2326, 10.3): the client wants to publish what the body describes.
func (x *session) announce(r *wire.Request) (*wire.Response, error) {
	if x.publisher != nil || x.player != nil {
		return &wire.Response{Code: wire.StatusMethodNotValid}, nil
	}
	t, ok := parseTarget(strings.TrimSuffix(r.URL, ".sdp"), x.server.config().EnableVHost)
	if !ok {
		return x.refuse(wire.StatusForbidden, "", fmt.Errorf("%w: %.200q", media.ErrBadName, redact.URL(r.URL)))
	}
	t.key.Name = strings.TrimSuffix(t.key.Name, ".sdp")
	desc, err := sdp.Parse(r.Body)
	if err != nil {
		return x.refuse(wire.StatusBadRequest, err.Error(), err)
	}
	var admitted media.PublishRequest
	err = x.while(func(ctx context.Context) (err error) {
		admitted, err = x.server.media.AdmitPublisher(ctx, media.PublishRequest{
			Stream: t.key, Session: x.entry, Schema: "rtsp", Params: t.params,
			Origin: hook.OriginRTSPPush, OriginURL: originURL(r.URL),
		})
		return err
	})
	if err != nil {
		return x.refusePublish(t.key, err)
	}
	x.publisher = newPublication(x, r.URL, admitted, desc)
	return &wire.Response{Code: wire.StatusOK}, nil
}

// originURL is what the API shows as the origin of a stream: the client's URL, without a password in it.
func originURL(raw string) string {
	scheme, rest, ok := strings.Cut(raw, "://")
	if !ok {
		return raw
	}
	host, path, slash := strings.Cut(rest, "/")
	host = host[strings.LastIndex(host, "@")+1:]
	if slash {
		host += "/"
	}
	return scheme + "://" + host + path
}

// refusePublish tells the client why it may not publish.
func (x *session) refusePublish(key hook.StreamKey, err error) (*wire.Response, error) {
	if x.publisher == nil { // else the logger names the stream
		err = &acceptor.StreamError{Op: "publish", Stream: key.String(), Err: err}
	}
	switch {
	case errors.Is(err, media.ErrStreamExists):
		return x.refuse(wire.StatusNotAcceptable, "the stream is published already", err)
	case errors.Is(err, media.ErrBadName):
		return x.refuse(wire.StatusForbidden, "", err)
	}
	return x.refuseAsked(err)
}

// record answers RECORD (RFC 2326, 10.11): media follows. Only now the stream is the client's, if no other was quicker.
func (x *session) record() (*wire.Response, error) {
	p := x.publisher
	if p == nil || p.setups == 0 {
		return &wire.Response{Code: wire.StatusMethodNotValid}, nil
	}
	if p.media == nil {
		pub, err := x.server.media.Publish(context.Background(), p.request) // nobody is asked, so it does not wait
		if err != nil {
			return x.refusePublish(p.request.Stream, err)
		}
		x.settle()
		x.reader.Stream(largeBuffer)
		if err := p.begin(pub); err != nil {
			return nil, err
		}
		x.logger().Info("publishing")
		for _, why := range p.desc.Skipped {
			x.logger().Info("media left out", "why", why)
		}
	}
	return &wire.Response{Code: wire.StatusOK}, x.beginIdle()
}
