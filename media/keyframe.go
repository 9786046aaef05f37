package media

import "time"

// keyFrameEvery is how far apart key frames are asked for at least.
const keyFrameEvery = time.Second

// RequestKeyFrame asks the publisher for a key frame, as a viewer does that has lost one (RFC 4585, 6.3.1). It reports
// whether the publisher is asked: not all can be, and none more often than once a second.
func (st *Stream) RequestKeyFrame() bool {
	st.mu.Lock()
	p := st.publisher
	now := time.Now()
	ask := p != nil && p.request.KeyFrame != nil && now.Sub(st.keyAsked) >= keyFrameEvery
	if ask {
		st.keyAsked = now
	}
	st.mu.Unlock()
	return ask && st.server.spawn(func() {
		if err := guard("PublishRequest.KeyFrame", func() error { p.request.KeyFrame(); return nil }); err != nil {
			p.logger().Error("key frame request failed", "err", err)
		}
	})
}
