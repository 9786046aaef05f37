package receiver

import (
	"slices"
	"time"
)

const (
	// maxDepth is the deepest reordering of pictures that H.264 and H.265 allow.
	maxDepth = 16
	// usualPicture is the distance of pictures where nothing says it.
	usualPicture = 40 * time.Millisecond
	// maxStep is how far presentation times may step and still belong together.
	maxStep = 3 * time.Second
	// leastStep is the least distance of decoding times.
	leastStep = time.Millisecond
)

// Decoding recovers the decoding times of pictures from their presentation times, which come in decoding order.
// With a reorder depth of D, a picture is decoded when the one D places before it in the order of presentation
// is shown. It is for one goroutine at a time.
type Decoding struct {
	depth   int
	known   bool
	frame   time.Duration
	window  []time.Duration // the depth+1 latest presentation times, sorted
	learned []time.Duration // the latest in decoding order, while the depth is not known
	last    time.Duration
	begun   bool
}

// NewDecoding returns the state of a stream of pictures. frame is their nominal distance, 0 if unknown. A depth
// that is not known is learned.
func NewDecoding(depth int, known bool, frame time.Duration) *Decoding {
	if frame <= 0 || frame > time.Second {
		frame = usualPicture
	}
	return &Decoding{depth: min(max(depth, 0), maxDepth), known: known, frame: frame}
}

// Reset forgets the pictures so far.
func (d *Decoding) Reset() { d.window, d.learned, d.begun = d.window[:0], d.learned[:0], false }

// DTS returns the decoding time of the next picture. It grows from picture to picture; it is not after pts as
// long as the depth is right.
func (d *Decoding) DTS(pts time.Duration) time.Duration {
	if d.begun && (pts > d.window[len(d.window)-1]+maxStep || pts < d.window[0]-maxStep) {
		d.Reset()
	}
	if !d.known {
		d.learn(pts)
	}
	if !d.begun {
		// What was shown before the first picture is not known, but how far apart it was.
		for i := d.depth; i > 0; i-- {
			d.window = append(d.window, pts-time.Duration(i)*d.frame)
		}
	}
	at, _ := slices.BinarySearch(d.window, pts)
	d.window = slices.Insert(d.window, at, pts)
	if extra := len(d.window) - d.depth - 1; extra > 0 {
		d.window = slices.Delete(d.window, 0, extra)
	}
	dts := min(d.window[0], pts)
	if d.begun && dts < d.last+leastStep {
		dts = d.last + leastStep
	}
	d.last, d.begun = dts, true
	return dts
}

// learn grows the depth to the number of pictures that came before this one and are shown after it.
func (d *Decoding) learn(pts time.Duration) {
	after := 0
	for _, p := range d.learned {
		if p > pts {
			after++
		}
	}
	d.depth = max(d.depth, min(after, maxDepth))
	if len(d.learned) == maxDepth {
		d.learned = slices.Delete(d.learned, 0, 1)
	}
	d.learned = append(d.learned, pts)
}
