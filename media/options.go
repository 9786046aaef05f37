package media

import (
	"fmt"
	"slices"

	"github.com/sluice-media/sluice/hook"
)

// checkOptions refuses what the core cannot do.
func checkOptions(o *hook.StreamOptions) error {
	if m := o.ModifyStamp; m != nil && (*m < stampsOfSource || *m > stampsRelative) {
		return fmt.Errorf("%w: ModifyStamp is %d, not 0, 1 or 2", ErrBadOptions, *m)
	}
	if n := o.MaxTrack; n != nil && *n < 1 {
		return fmt.Errorf("%w: MaxTrack is %d, not at least 1", ErrBadOptions, *n)
	}
	if d := o.PacedSender; d != nil && (*d < 0 || *d > maxPeriod) {
		return fmt.Errorf("%w: PacedSender is %v, not 0 to %v", ErrBadOptions, *d, maxPeriod)
	}
	if d := o.ContinuePush; d != nil && *d < 0 {
		return fmt.Errorf("%w: ContinuePush is %v, not 0 or more", ErrBadOptions, *d)
	}
	return nil
}

// maxTracks bounds the tracks of a stream.
const maxTracks = 16

// maxTracks is how many tracks the stream can have.
func (st *Stream) maxTracks() int {
	if n := st.options.MaxTrack; n != nil {
		return min(*n, maxTracks)
	}
	return maxTracks
}

// admitTracks returns those of a publisher's tracks that the stream takes, and those that it does not.
func (st *Stream) admitTracks(tracks []*Track) (taken, left []*Track) {
	for _, t := range tracks {
		switch {
		case !t.Codec.Video() && !*st.options.EnableAudio, len(taken) == st.maxTracks():
			left = append(left, t)
		default:
			taken = append(taken, t)
		}
	}
	return taken, left
}

// isLeft reports whether a track is one that the stream does not take: its packets are no error. st.mu is held.
func (st *Stream) isLeft(t *Track) bool {
	return slices.ContainsFunc(st.unwanted, func(l *Track) bool { return l.ID == t.ID }) ||
		!*st.options.EnableAudio && !t.Codec.Video()
}
