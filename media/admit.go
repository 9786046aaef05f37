package media

import (
	"context"

	"github.com/sluice-media/sluice/hook"
)

// AdmitPublisher asks the hooks whether r may publish, and whether its stream is free, but does not open it: for
// protocols in which time passes between that and the media. Who has been admitted holds nothing, and gives the request
// that is returned to [Server.Publish]: that asks nobody again, but may find that the stream has gone to another.
// r.Session must not be nil. The errors are those of Publish.
func (s *Server) AdmitPublisher(ctx context.Context, r PublishRequest) (PublishRequest, error) {
	key, err := r.check()
	if err != nil {
		return r, err
	}
	ctx, release := r.Session.while(ctx)
	defer release()
	var reply hook.PublishReply
	if !r.Authorized {
		reply, err = s.askPublish(ctx, &hook.PublishEvent{
			Stream: key, Session: r.Session.event(r.Schema, r.Params), Origin: r.Origin,
		})
	}
	if err != nil {
		return r, err
	}
	if reply.StreamReplace != "" {
		key.Name = reply.StreamReplace
	}
	r.Authorized, r.Stream, r.Options = true, key, reply.Options.Merge(r.Options)
	if r.Stream, err = checkKey(key); err == nil {
		err = checkOptions(&r.Options)
	}
	if err == nil {
		err = s.free(r.Stream)
	}
	return r, err
}

// free returns why a stream cannot be published now; nil if it can.
func (s *Server) free(key StreamKey) error {
	s.mu.Lock()
	closing, st := s.closing, s.streams.Get(key)
	s.mu.Unlock()
	switch {
	case closing:
		return ErrServerClosed
	case st == nil:
		return nil
	}
	st.mu.Lock()
	defer st.mu.Unlock()
	return st.free()
}
