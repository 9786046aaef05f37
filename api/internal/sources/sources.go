// Package sources finds streams as the API and the shell name them: schema by schema.
package sources

import (
	"github.com/sluice-media/sluice/media"
)

// Source is one schema of a stream.
type Source struct {
	*media.Stream
	Schema string
}

// Filter says which sources are meant, literally; a field that is empty takes all.
type Filter struct{ Schema, VHost, App, Stream string }

// Find lists the sources that a filter takes, those of a stream one after the other.
func Find(m *media.Server, f Filter) []Source {
	var list []Source
	for st := range m.Streams() {
		if !f.takes(st.Key()) {
			continue
		}
		for _, schema := range st.Schemas() {
			if matches(f.Schema, schema) {
				list = append(list, Source{st, schema})
			}
		}
	}
	return list
}

func (f Filter) takes(key media.StreamKey) bool {
	return matches(f.VHost, key.VHost) && matches(f.App, key.App) && matches(f.Stream, key.Name)
}

func matches(want, value string) bool { return want == "" || want == value }
