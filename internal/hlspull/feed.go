package hlspull

import (
	"errors"
	"slices"
	"time"

	"github.com/sluice-media/sluice/media"
)

const (
	// roundTrip is how long 33 bits of 90 kHz take until they begin anew: playlists may have begun at either side of that.
	roundTrip = (1 << 33) * time.Second / 90000
	// apartIDs is how far the identifiers of the tracks of two playlists are apart: those of MPEG-TS have 13 bits.
	apartIDs = 1 << 13
)

// maxNames bounds how many tracks are called something else.
const maxNames = 64

// errTwice says that sound is left out.
var errTwice = errors.New("hls: sound beside the pictures is not taken, since there is a playlist of sound")

// errNoSound says that something else is left out.
var errNoSound = errors.New("hls: pictures in a playlist of sound are not taken")

// feed is one of the playlists. Its methods are those of the goroutine that plays it, which waits until a packet is taken.
type feed struct {
	client *client
	done   <-chan struct{}
	why    func() error
	out    chan event
	next   event // without a packet
	sound  bool  // what it is for
	err    error // why it is over, when out is closed

	// The rest is of the goroutine that joins.
	head   *event
	since  time.Time // when that came
	over   bool
	absent bool           // it has been waited for in vain
	free   bool           // it does not wait for the other to get to where its stamps begin anew
	tracks []*media.Track // as they are called in the stream,
	names  []naming       // and how they are called here
	roll   time.Duration  // what is added to stamps
	period int64
	began  bool
	newest time.Duration // stamp
}

// naming is what a track is called in the stream.
type naming struct{ here, there *media.Track }

// event is a packet of a playlist, or, without one, that it has other tracks.
type event struct {
	packet *media.Packet
	tracks []*media.Track
	period int64
	torn   bool
}

// begin implements [sink].
func (f *feed) begin(period int64, torn bool) {
	f.next.torn = f.next.torn || torn
	f.next.period = period
}

// SetTracks implements [gate.Sink].
func (f *feed) SetTracks(tracks ...*media.Track) error {
	var list []*media.Track
	for _, t := range tracks {
		if t.Codec.Video() != f.sound {
			list = append(list, t)
		}
	}
	return f.send(event{tracks: list})
}

// WritePacket implements [gate.Sink].
func (f *feed) WritePacket(pkt *media.Packet) error {
	if pkt.Track.Codec.Video() == f.sound {
		if f.sound {
			f.client.Warn(errNoSound)
		} else {
			f.client.Warn(errTwice)
		}
		return nil
	}
	e := f.next
	e.packet = pkt
	f.next.torn = false
	return f.send(e)
}

func (f *feed) send(e event) error {
	select {
	case f.out <- e:
		return nil
	case <-f.done:
		return f.why()
	}
}

// receive takes what has come already, and reports whether that was something.
func (f *feed) receive(j *join) bool {
	select {
	case e, ok := <-f.out:
		f.came(j, e, ok)
		return true
	default:
		return false
	}
}

// came takes what has come, or that it is over.
func (f *feed) came(j *join, e event, ok bool) {
	if !ok {
		f.over = true
		return
	}
	f.head, f.since, f.absent = &e, time.Now(), false
	f.client.came.Store(f.since.UnixNano())
	if p := e.packet; p != nil {
		if !f.began || e.torn || e.period != f.period {
			f.align(j, p.DTS, e.period)
		}
		p.DTS += f.roll
		p.PTS += f.roll
		p.Track = f.name(p.Track)
		f.began, f.period, f.newest = true, e.period, p.DTS
	}
}

// align puts stamps that begin at the same turn of 33 bits as those of the other playlist.
func (f *feed) align(j *join, stamp time.Duration, period int64) {
	for _, other := range j.feeds {
		if other != f && other.began && other.period == period {
			f.roll = (other.newest - stamp).Round(roundTrip)
		}
	}
}

// name returns what a track is called in the stream.
func (f *feed) name(t *media.Track) *media.Track {
	if !f.sound {
		return t
	}
	at := slices.IndexFunc(f.names, func(n naming) bool { return n.here.ID == t.ID })
	if at >= 0 && f.names[at].here == t {
		return f.names[at].there
	}
	there := *t
	there.ID += apartIDs
	n := naming{t, &there}
	switch {
	case at >= 0:
		f.names[at] = n
	case len(f.names) < maxNames:
		f.names = append(f.names, n)
	}
	return n.there
}
