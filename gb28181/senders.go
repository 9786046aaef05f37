package gb28181

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/sluice-media/sluice/media"
)

var (
	// ErrNoTarget is what Send answers for a [Talk] to a stream that nothing feeds.
	ErrNoTarget = errors.New("can not find the target stream")
	// ErrTooManySenders is what Send answers when a stream has 10,000.
	ErrTooManySenders = errors.New("gb28181: the stream has too many senders")
)

// maxSenders bounds those of a stream.
const maxSenders = 10000

// Send begins to send a stream, and returns the local port when the peer has been reached, or, if it is to come itself, when that is listened on.
// The sender goes on until [Server.StopSend], the end of the stream or of the connection; observers are told of an end that it was not
// told to (hook.SendRTPStoppedHook). It counts as a reader of the stream, and is in the session list: who kicks it there ends it. The error is
// media.ErrStreamNotFound, [ErrNoTarget], media.ErrUnknownTrack if nothing of the stream can be sent, what the network failed with, or [ErrServerClosed].
// ctx is for the call alone.
func (s *Server) Send(ctx context.Context, r SendRequest) (port int, err error) {
	r.Stream = r.Stream.Canonical()
	if err := r.check(); err != nil {
		return 0, err
	}
	if _, ok := s.media.Stream(r.Stream); !ok && !r.Recording {
		return 0, media.ErrStreamNotFound
	}
	l, err := s.link(ctx, &r)
	if err != nil {
		return 0, err
	}
	x, err := newSender(ctx, s, r, l)
	if err != nil {
		l.close()
		return 0, err
	}
	port = l.port()
	replaced, err := s.enter(x)
	if err != nil {
		x.dismiss(err)
		l.close()
		return 0, err
	}
	s.running.Go(x.run)
	for _, old := range replaced {
		old.stop(errStopped)
	}
	return port, nil
}

// check refuses what cannot be sent.
func (r *SendRequest) check() error {
	switch {
	case r.Stream.App == "" || r.Stream.Name == "":
		return media.ErrBadName
	case r.Payload < PayloadPS || r.Payload > PayloadES || r.Mode < Dial || r.Mode > Talk:
		return fmt.Errorf("gb28181: payload %d or mode %d is none", r.Payload, r.Mode)
	case r.PayloadType != nil && *r.PayloadType > 127:
		return fmt.Errorf("gb28181: the payload type %d is over 127", *r.PayloadType)
	case r.LocalPort < 0 || r.LocalPort > 65535 || r.Mode == Dial && (r.Host == "" || r.Port < 1 || r.Port > 65535):
		return errors.New("gb28181: a port is not within 1 and 65535, or there is no host")
	case r.NeedReports && r.Mode == Dial && r.Port == 65535:
		return errors.New("gb28181: there is no port behind 65535 for reports")
	case r.Mode == Talk && r.Receive == media.StreamKey{}:
		return ErrNoTarget
	case r.BackPressure:
		return errors.New("gb28181: a sender cannot slow down its publisher")
	}
	return nil
}

// connectTime is how long a connection is waited for.
func (r *SendRequest) connectTime() time.Duration { return cmp.Or(r.ConnectTimeout, connectTimeout) }

// enter puts a sender on the list, and returns those whose place it takes.
func (s *Server) enter(x *sender) (replaced []*sender, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closing {
		return nil, ErrServerClosed
	}
	all := s.senders.Get(x.request.Stream)
	if len(all) >= maxSenders {
		return nil, ErrTooManySenders
	}
	if !x.request.Shared {
		for _, old := range all {
			if old.request.SSRC == x.request.SSRC {
				replaced = append(replaced, old)
			}
		}
	}
	s.senders.Set(x.request.Stream, append(all, x))
	return replaced, nil
}

// forget takes a sender off the list.
func (s *Server) forget(x *sender) {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := slices.DeleteFunc(s.senders.Get(x.request.Stream), func(other *sender) bool { return other == x })
	if len(all) == 0 {
		s.senders.Delete(x.request.Stream)
		return
	}
	s.senders.Set(x.request.Stream, all)
}

// StopSend ends the senders of a stream that have one of these SSRCs, or all if there are none given, and returns how many. When it returns, they send nothing
// more. Observers are not told.
func (s *Server) StopSend(key media.StreamKey, ssrcs ...uint32) int {
	var stopped []*sender
	s.mu.Lock()
	for _, x := range s.senders.Get(key.Canonical()) {
		if len(ssrcs) == 0 || slices.Contains(ssrcs, x.request.SSRC) {
			stopped = append(stopped, x)
		}
	}
	s.mu.Unlock()
	for _, x := range stopped {
		x.stop(errStopped)
	}
	for _, x := range stopped {
		<-x.gone
	}
	return len(stopped)
}

// Senders lists those of a stream, the newest last.
func (s *Server) Senders(key media.StreamKey) (list []SenderStatus) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, x := range s.senders.Get(key.Canonical()) {
		list = append(list, x.status())
	}
	return list
}

// measure measures the senders.
func (s *Server) measure() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for list := range s.senders.Values() {
		for _, x := range list {
			x.measure()
		}
	}
}
