package media

import (
	"slices"
	"sync"

	"github.com/sluice-media/sluice/hook"
)

// Announce says that the stream is served in a schema from now on: for schemas that are not served from the stream's
// first moment on, such as hls, which has nothing to give before its first segment. (What [Server.Register] names is
// served at once.) Observers are told, and the stream is listed in the schema until withdraw is called or it ends.
// It does nothing for a schema in which the stream is listed already, or one that its options switch off.
func (st *Stream) Announce(schema string) (withdraw func()) {
	if !serves(&st.options, schema) || !st.setAnnounced(schema, true) {
		return func() {}
	}
	return sync.OnceFunc(func() { st.setAnnounced(schema, false) })
}

// setAnnounced enters a schema or takes it out, and reports whether that changed anything.
func (st *Stream) setAnnounced(schema string, on bool) bool {
	src := hook.Source{Params: st.params()}
	if on {
		src = st.Source(schema)
	}
	s := st.server
	s.mu.Lock()
	defer s.mu.Unlock()
	known := slices.Contains(st.late, schema)
	if on == known || on && slices.Contains(s.schemasOf(st), schema) || s.streams.Get(st.key) != st {
		return false
	}
	if on {
		st.late = append(st.late, schema)
	} else {
		st.late = slices.DeleteFunc(st.late, func(other string) bool { return other == schema })
	}
	if st.registered {
		st.announceOne(schema, on, src)
	}
	return true
}

// announceOne tells observers of one schema. server.mu is held.
func (st *Stream) announceOne(schema string, on bool, src hook.Source) {
	st.announced = slices.DeleteFunc(st.announced, func(other string) bool { return other == schema })
	if on {
		st.announced = append(st.announced, schema)
	}
	st.server.postSchema(st, schema, on, src)
}
