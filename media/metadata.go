package media

import "maps"

// maxMetadata bounds the metadata of a stream: every reader gets all of it, in each format.
const maxMetadata = 64 << 10

func (st *Stream) setMetadata(p *Publisher, md map[string]any) {
	size, plain := measure(md)
	if size > maxMetadata {
		if p.metadataOver.CompareAndSwap(false, true) {
			p.logger().Warn("metadata over 64 KiB is not taken", "bytes", size)
		}
		return
	}
	if !plain {
		md = maps.Clone(md)
		maps.DeleteFunc(md, func(_ string, v any) bool { return !isPlain(v) })
	}
	st.mu.Lock()
	defer st.mu.Unlock()
	if st.publisher == p {
		st.describe(func(d *Description) { d.Metadata = md })
	}
}

// measure returns how much metadata takes, as AMF does about, and whether all values are of the types that are kept.
func measure(md map[string]any) (size int, plain bool) {
	plain = true
	for name, v := range md {
		if !isPlain(v) {
			plain = false
			continue
		}
		size += len(name) + 16
		if s, ok := v.(string); ok {
			size += len(s)
		}
	}
	return size, plain
}

func isPlain(v any) bool {
	switch v.(type) {
	case string, float64, bool:
		return true
	}
	return false
}
