// Package elastic has a map for crowds that come and go: a map of Go's own keeps the memory of all that were ever in it at a
// time.
package elastic

import "iter"

// small is how many entries may have been in a map for which nothing is done.
const small = 64

// Map is a map that gives memory back when most of what was in it has gone. The zero value is empty. It is for one
// goroutine at a time, as one of Go's own.
type Map[K comparable, V any] struct {
	entries map[K]V
	peak    int // how many were in entries at a time
}

// Get returns the value of a key, or the zero value.
func (m *Map[K, V]) Get(key K) V { return m.entries[key] }

// Set sets the value of a key.
func (m *Map[K, V]) Set(key K, value V) {
	if m.entries == nil {
		m.entries = map[K]V{}
	}
	m.entries[key] = value
	m.peak = max(m.peak, len(m.entries))
}

// Delete takes a key out.
func (m *Map[K, V]) Delete(key K) {
	delete(m.entries, key)
	if m.peak > small && len(m.entries) < m.peak/4 {
		m.shrink()
	}
}

// shrink puts what is left into a map of its size. There were three times as many deletions as there are entries to move.
func (m *Map[K, V]) shrink() {
	rest := make(map[K]V, len(m.entries))
	for key, value := range m.entries {
		rest[key] = value
	}
	m.entries, m.peak = rest, len(rest)
}

// Len returns how many keys there are.
func (m *Map[K, V]) Len() int { return len(m.entries) }

// All yields all keys and values, in no order. The map must not be changed meanwhile.
func (m *Map[K, V]) All() iter.Seq2[K, V] {
	return func(yield func(K, V) bool) {
		for key, value := range m.entries {
			if !yield(key, value) {
				return
			}
		}
	}
}

// Values yields all values, in no order. The map must not be changed meanwhile.
func (m *Map[K, V]) Values() iter.Seq[V] {
	return func(yield func(V) bool) {
		for _, value := range m.entries {
			if !yield(value) {
				return
			}
		}
	}
}
