package gb28181

import (
	"errors"
	"slices"
	"sync"

	"github.com/sluice-media/sluice/media"
)

// errNoTrack says that a sender has no track of those that were asked for.
var errNoTrack = errors.New("gb28181: the sender has none of the tracks that are wanted")

// wanted reports whether a track is taken.
func (t Tracks) wanted(track *media.Track) bool {
	switch t {
	case AudioOnly:
		return !track.Codec.Video()
	case VideoOnly:
		return track.Codec.Video()
	}
	return true
}

// filter is in front of a publisher, and lets through what is wanted.
type filter struct {
	pub    *media.Publisher
	wanted Tracks

	mu  sync.Mutex
	ids []int // of the tracks
}

// SetTracks implements [gate.Sink].
func (f *filter) SetTracks(tracks ...*media.Track) error {
	tracks = slices.DeleteFunc(slices.Clone(tracks), func(t *media.Track) bool { return !f.wanted.wanted(t) })
	if len(tracks) == 0 {
		return errNoTrack
	}
	f.mu.Lock()
	f.ids = f.ids[:0]
	for _, t := range tracks {
		f.ids = append(f.ids, t.ID)
	}
	f.mu.Unlock()
	return f.pub.SetTracks(tracks...)
}

// WritePacket implements [gate.Sink].
func (f *filter) WritePacket(p *media.Packet) error {
	if !f.wanted.wanted(p.Track) {
		return nil
	}
	return f.pub.WritePacket(p)
}

// arrived tells the stream and the session what has come of all packets, and was lost: which track they were of nobody knows.
func (f *filter) arrived(packets, lost uint64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, id := range f.ids {
		f.pub.Arrived(id, packets, lost)
	}
	f.pub.Session().SetLost(lost)
}
