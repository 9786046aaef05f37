package relay

import (
	"context"
	"sync"

	"github.com/sluice-media/sluice/media"
)

// onceMediaComes is try, a pull to a stream, but plays only when media comes: a server may promise some, and describe it, and send nothing.
func (r *Relay) onceMediaComes(key media.StreamKey, try attempt) attempt {
	return func(ctx context.Context, playing func(*media.Session)) error {
		var before uint64
		old, waits := r.media.Stream(key) // for its source
		if waits {
			before = old.Stats().Bytes
		}
		ctx, cancel := context.WithCancel(ctx)
		var waiting sync.WaitGroup
		defer waiting.Wait()
		defer cancel()
		return try(ctx, func(x *media.Session) {
			st := x.Publisher().Stream()
			if st != old {
				before = 0
			}
			waiting.Go(func() {
				if comes(ctx, st, before) {
					playing(x)
				}
			})
		})
	}
}

// comes waits until a stream has had more media than so many bytes, and reports whether it has before ctx or the stream ends.
func comes(ctx context.Context, st *media.Stream, before uint64) bool {
	if st.Stats().Bytes > before {
		return true
	}
	r := st.Read() // it may begin with what there was before
	defer r.Close()
	var batch [16]*media.Packet
	for {
		if _, err := r.ReadBatch(ctx, batch[:]); err != nil {
			return false
		}
		if st.Stats().Bytes > before {
			return true
		}
	}
}
