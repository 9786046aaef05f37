package segment

import (
	"fmt"
	"time"
)

// Segment is a stretch of a stream. It does not change once its Sink has been told of its end.
type Segment struct {
	// Number counts the segments, from Config.First on.
	Number uint64
	// Start is the end of the one before, or the DTS of its first chunk if it does not follow from that; Duration how long it
	// lasts, once it has ended: as long as its parts.
	Start, Duration time.Duration
	// Independent says that it can be decoded without the one before.
	Independent bool
	// Discontinuity says that the one before has other tracks, another publisher or stamps that do not lead here.
	Discontinuity bool
	// Init is what a decoder needs before: the initialization segment of fMP4. Segments with the same have the same
	// pointer. Nil if the format has none.
	Init *Init
	// Parts are what the segment consists of, one at least.
	Parts []*Part
}

// Init is what a decoder needs before it begins with a segment.
type Init struct {
	// Number counts the different ones from 0.
	Number int
	Data   []byte
}

// Part is a piece of a segment. It does not change.
type Part struct {
	// Start is the end of the one before, or where its segment starts; Duration how long it lasts.
	Start, Duration time.Duration
	// Independent says that it has a chunk with which decoders can begin.
	Independent bool
	// Data are the bytes, in memory of their own: the log of the stream can go on without them.
	Data []byte
}

// Sink takes what a [Cutter] makes.
type Sink interface {
	// Begin is called when a segment begins. It has no parts yet.
	Begin(*Segment)
	// Part is called when a part of the current segment is complete, which has been appended to it.
	Part(*Segment, *Part)
	// End is called when the segment is complete.
	End(*Segment)
}

// Name is where a segment that begins at a time stands below the folder of its stream: <YYYY-MM-DD>/<HH>/<MM-SS>_<n>, and a
// suffix.
func Name(at time.Time, number uint64, suffix string) string {
	return fmt.Sprintf("%s_%d%s", at.Format("2006-01-02/15/04-05"), number, suffix)
}
