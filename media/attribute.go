package media

import (
	"slices"
	"sync"

	"github.com/sluice-media/sluice/hook"
)

// attribution says where a stream comes from, whoever publishes it here.
type attribution struct {
	origin hook.Origin
	url    string
}

// Attribute says that who pushes a stream from now on only hands it on, such as an ffmpeg that the host runs: Source, the API and
// OnStreamChanged tell origin and url instead of how it was pushed. OnPublish is asked about the push as it is. What is pulled or played
// from a file is not concerned. url is shown as it is: it should have no password. The newest call for a stream counts; stop ends that for
// publishers to come, and must be called once nobody hands the stream on any more.
func (s *Server) Attribute(key StreamKey, origin hook.Origin, url string) (stop func()) {
	key, a := key.Canonical(), &attribution{origin, url}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.attributions.Set(key, a)
	return sync.OnceFunc(func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.attributions.Get(key) == a {
			s.attributions.Delete(key)
		}
	})
}

// attribute has a publisher tell where its stream really comes from. s.mu is held, and nobody else knows the publisher yet.
func (s *Server) attribute(p *Publisher, key StreamKey) {
	if a := s.attributions.Get(key); a != nil && isPush(p.request.Origin) {
		p.request.Origin, p.request.OriginURL = a.origin, a.url
	}
}

func isPush(o hook.Origin) bool {
	return slices.Contains([]hook.Origin{
		hook.OriginRTMPPush, hook.OriginRTSPPush, hook.OriginRTPPush, hook.OriginRTCPush, hook.OriginSRTPush,
	}, o)
}
