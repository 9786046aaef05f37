package media

import (
	"slices"
	"strings"
)

// carriesOne reports whether a format can carry one of tracks. Nothing is held against those of which none is known.
func (f *Format) carriesOne(tracks []*Track) bool {
	return f.Carries == nil || len(tracks) == 0 || slices.ContainsFunc(tracks, f.Carries)
}

// leaves returns those of tracks that a format leaves out.
func (f *Format) leaves(tracks []*Track) (left []*Track) {
	taken := [2]bool{}
	for _, t := range tracks {
		kind := 0
		if t.Codec.Video() {
			kind = 1
		}
		if f.Carries != nil && !f.Carries(t) || f.OnePerKind && taken[kind] {
			left = append(left, t)
			continue
		}
		taken[kind] = true
	}
	return left
}

func idsOf(tracks []*Track) (ids []int) {
	for _, t := range tracks {
		ids = append(ids, t.ID)
	}
	return ids
}

// carried reports whether the formats of a schema can carry something of a stream. s.mu is held.
func (s *Server) carried(st *Stream, schema string) bool {
	tracks, known := st.Description().Tracks, false
	for _, r := range s.services {
		for _, f := range r.formats {
			if f.Schema == schema && f.carriesOne(tracks) {
				return true
			}
			known = known || f.Schema == schema
		}
	}
	return !known
}

// serves reports whether the formats of a schema can carry something of a stream that is in no table, and says so in the
// log if not.
func (s *Server) serves(st *Stream, schema string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.carried(st, schema) {
		return true
	}
	s.log.Warn("source not served, the format carries none of its codecs", "stream", st.key.String(), "schema", schema,
		"codecs", st.trackNames())
	return false
}

// schemasOf lists the schemas a stream is served in. s.mu is held.
func (s *Server) schemasOf(st *Stream) []string {
	var list []string
	tracks := st.Description().Tracks
	for _, r := range s.services {
		for _, f := range r.formats {
			if serves(&st.options, f.Schema) && f.carriesOne(tracks) && !slices.Contains(list, f.Schema) {
				list = append(list, f.Schema)
			}
		}
	}
	return append(list, st.late...)
}

// leftOut returns the codecs of a stream that no format of a schema can carry, by schema. s.mu is held.
func (s *Server) leftOut(st *Stream) map[string]string {
	var left map[string]string
	for _, r := range s.services {
		for _, f := range r.formats {
			if _, done := left[f.Schema]; done || !serves(&st.options, f.Schema) {
				continue
			}
			if names := s.codecsLeft(st, f.Schema); len(names) > 0 {
				if left == nil {
					left = map[string]string{}
				}
				left[f.Schema] = strings.Join(names, ", ")
			}
		}
	}
	return left
}

// codecsLeft names those of tracks that no format of a schema can carry, or none besides others. s.mu is held.
func (s *Server) codecsLeft(st *Stream, schema string) (names []string) {
	tracks := st.Description().Tracks
	for _, t := range tracks {
		name := t.Codec.LogValue().String()
		switch {
		case s.carries(schema, t, tracks):
			continue
		case s.carries(schema, t, []*Track{t}):
			name = "another " + name
		}
		if !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names
}

// carries reports whether a format of a schema can carry a track, one of those of a stream. s.mu is held.
func (s *Server) carries(schema string, t *Track, tracks []*Track) bool {
	return slices.ContainsFunc(s.services, func(r registration) bool {
		return slices.ContainsFunc(r.formats, func(f *Format) bool {
			return f.Schema == schema && !slices.Contains(f.leaves(tracks), t)
		})
	})
}

// logLeft says what of a stream is left out where, once for each schema and as long as nothing else is. s.mu is held.
func (s *Server) logLeft(st *Stream) {
	left := s.leftOut(st)
	for schema, codecs := range left {
		if st.leftOut[schema] != codecs {
			s.log.Warn("codecs left out, the schema cannot carry them", "stream", st.key.String(), "schema", schema,
				"codecs", codecs, "served", s.carried(st, schema))
		}
	}
	st.leftOut = left
}

// reconsider looks in which schemas a stream is served with tracks that have changed, and tells observers.
func (s *Server) reconsider(st *Stream) {
	src := st.Source("")
	s.mu.Lock()
	defer s.mu.Unlock()
	if !st.registered || !s.hasSchemas() {
		return
	}
	s.logLeft(st)
	if len(s.hooks.streamChanged) == 0 {
		return
	}
	before, after := slices.Clone(st.announced), s.schemasOf(st)
	for _, schema := range before {
		if !slices.Contains(after, schema) {
			st.announceOne(schema, false, src)
		}
	}
	for _, schema := range after {
		if !slices.Contains(before, schema) {
			st.announceOne(schema, true, src)
		}
	}
}
