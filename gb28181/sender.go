package gb28181

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"strconv"
	"sync/atomic"
	"syscall"

	"github.com/sluice-media/sluice/hook"
	"github.com/sluice-media/sluice/internal/acceptor"
	"github.com/sluice-media/sluice/internal/outbound"
	"github.com/sluice-media/sluice/media"
)

var (
	// errStopped is why a sender ends that is told to.
	errStopped = errors.New("gb28181: the sender was stopped")
	// errStreamEnded is why one ends whose stream has.
	errStreamEnded = errors.New("gb28181: the stream has ended")
	// errNoPeer is why one ends that nobody came to.
	errNoPeer = fmt.Errorf("gb28181: nobody has connected: %w", os.ErrDeadlineExceeded)
	// errNoReports is why one ends that is not heard of.
	errNoReports = fmt.Errorf("gb28181: no receiver report has come: %w", os.ErrDeadlineExceeded)
)

// link is how a sender reaches its peer.
type link interface {
	// port is the one of this machine.
	port() int
	// addresses are the peer's, if it is known, and this end's.
	addresses() (remote, local netip.AddrPort)
	// send sends the stream of a sender until ctx ends, or either side.
	send(ctx context.Context, x *sender) error
	// close gives back what the link has.
	close()
}

// sender is a stream that is sent.
type sender struct {
	server  *Server
	request SendRequest
	label   label
	link    link
	entry   *media.Session
	player  *media.Player
	format  *media.Format
	release func() // of the format
	source  *source
	ctx     context.Context // while it runs
	cancel  context.CancelCauseFunc
	gone    chan struct{} // closed when it has ended

	before, speed atomic.Uint64 // bytes when they were looked at last, and a second
}

// newSender returns a sender that has its stream, and what it is to send of it.
func newSender(ctx context.Context, s *Server, r SendRequest, l link) (*sender, error) {
	x := &sender{server: s, request: r, label: label{payloadType: 96, ssrc: r.SSRC}, link: l, gone: make(chan struct{})}
	x.ctx, x.cancel = context.WithCancelCause(s.ctx)
	if r.PayloadType != nil {
		x.label.payloadType = *r.PayloadType & 0x7f
	}
	protocol := "tcp"
	if r.UDP {
		protocol = "udp"
	}
	remote, local := l.addresses()
	x.entry = s.media.NewSession(hook.Session{Schema: "rtp", Protocol: protocol, Remote: remote, Local: local}, x.stop)
	var err error
	x.player, err = s.media.Play(ctx, media.PlayRequest{
		Stream: r.Stream, Session: x.entry, Schema: "rtp", Authorized: true, NoWait: !r.Recording,
	})
	if err != nil {
		x.cancel(err)
		x.entry.Close()
		return nil, err
	}
	x.release = func() {}
	cfg := s.config()
	key := outKey{r.Payload, r.AudioOnly, cfg.MaxPayload, cfg.G711Duration}
	if err = x.carried(ctx, key); err == nil {
		err = x.share(ctx, key)
	}
	if err != nil {
		x.dismiss(err)
		return nil, err
	}
	if r.Receive != (media.StreamKey{}) && r.Mode != Talk {
		x.source = newSource(s, r.Receive.Canonical(), AllTracks, 0)
		x.source.id, x.source.room, x.source.onEnd = r.Receive.Name, maxHeldOpened, func() {}
	}
	return x, nil
}

// share takes the format that senders of a key have in common.
func (x *sender) share(ctx context.Context, key outKey) error {
	format, release, err := outbound.Format(ctx, x.player.Stream(), key, func() *media.Format { return newOutFormat(key) })
	if err == nil {
		x.format, x.release = format, release
	}
	return err
}

// carried returns why nothing of a stream can be sent, if its tracks are known. Of others it may turn out later.
func (x *sender) carried(ctx context.Context, key outKey) error {
	tracks, err := x.player.Stream().Tracks(ctx)
	if err != nil {
		return err
	}
	for _, t := range tracks {
		if key.carries(t) {
			return nil
		}
	}
	return fmt.Errorf("gb28181: %s has no track to send: %w", x.request.Stream, media.ErrUnknownTrack)
}

// stop makes a sender end.
func (x *sender) stop(cause error) { x.cancel(cause) }

// dismiss ends a sender that has not run.
func (x *sender) dismiss(cause error) {
	x.cancel(cause)
	x.release()
	x.player.Close(cause)
	x.entry.Close()
}

// run sends to the end.
func (x *sender) run() {
	defer close(x.gone)
	err := acceptor.Guard(func() error { return x.link.send(x.ctx, x) })
	if x.ctx.Err() != nil {
		err = context.Cause(x.ctx)
	}
	x.cancel(nil)
	x.link.close()
	if x.source != nil {
		x.source.close(errClosed)
	}
	x.release()
	x.player.Close(err)
	src := x.player.Stream().Source("rtp")
	x.entry.Close()
	x.server.forget(x)
	told := errors.Is(err, errStopped) || x.server.ctx.Err() != nil
	log := x.server.log.With("stream", x.request.Stream.String(), "proto", "rtp", "session", x.entry.Info().ID, "ssrc", x.request.SSRC)
	x.server.ends.Log(log, acceptor.End{Err: err, Quiet: told || errors.Is(err, errStreamEnded) || acceptor.Closed(err), Admitted: true})
	if told {
		return
	}
	code, msg := reason(err)
	x.server.media.SendRTPStopped(&hook.SendRTPStoppedEvent{
		Stream: x.request.Stream, Params: src.Params, SSRC: strconv.FormatUint(uint64(x.request.SSRC), 10),
		Origin: src.Origin, OriginURL: src.OriginURL, Err: code, Msg: msg,
	})
}

// reason is how observers are told why a sender has ended.
func reason(err error) (code int, msg string) {
	const other = 255
	_, dns := errors.AsType[*net.DNSError](err)
	switch {
	case errors.Is(err, errNoPeer):
		return 2, "wait tcp connection timeout"
	case errors.Is(err, errStreamEnded):
		return 6, "the stream has ended"
	case errors.Is(err, io.EOF):
		return 1, "end of file"
	case errors.Is(err, os.ErrDeadlineExceeded):
		return 2, err.Error()
	case errors.Is(err, syscall.ECONNREFUSED):
		return 3, "connection refused"
	case errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE):
		return 4, "connection reset by peer"
	case dns:
		return 5, err.Error()
	case err == nil:
		return other, ""
	}
	return other, err.Error()
}

// measure notes how many bytes were sent in the last second.
func (x *sender) measure() {
	_, sent := x.entry.Bytes()
	x.speed.Store(sent - x.before.Swap(sent))
}

func (x *sender) status() SenderStatus {
	_, sent := x.entry.Bytes()
	return SenderStatus{SSRC: x.request.SSRC, BytesPerSecond: x.speed.Load(), TotalBytes: sent}
}
