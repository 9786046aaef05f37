package media

import "sync"

// RecordsMP4 says that somebody records the streams whose options have EnableMP4, from their first moment on: so they are listed, and
// observers are told. stop takes it back, for streams to come.
func (s *Server) RecordsMP4() (stop func()) {
	s.mp4Recorders.Add(1)
	return sync.OnceFunc(func() { s.mp4Recorders.Add(-1) })
}

// expectRecorder lists a stream as recorded that will be at once.
func (s *Server) expectRecorder(st *Stream) {
	on := st.options.EnableMP4
	st.mu.Lock()
	defer st.mu.Unlock()
	st.recorderDue = on != nil && *on && s.mp4Recorders.Load() > 0
}

// AddRecorder says that the stream is being recorded as MP4, until remove is called: so it is listed. It may be called more than once at a
// time; the stream is recorded until all have ended.
func (st *Stream) AddRecorder() (remove func()) {
	st.mu.Lock()
	defer st.mu.Unlock()
	st.recorders++
	st.recorderDue = false
	return sync.OnceFunc(func() {
		st.mu.Lock()
		defer st.mu.Unlock()
		st.recorders--
	})
}
