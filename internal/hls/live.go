package hls

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/sluice-media/sluice/internal/mpegts"
	"github.com/sluice-media/sluice/internal/segment"
	"github.com/sluice-media/sluice/media"
)

// Config says what a stream looks like in HLS.
type Config struct {
	// Target is how long a segment is: it ends at the first key frame from nine tenths of that on.
	Target time.Duration
	// Count is how many segments the playlist has, or more as long as it lasts less than three target durations. Retain is how
	// many are kept when they have left it.
	Count, Retain int
	// Delay is how many more segments the delayed playlist has, in front. 0 means that there is no such playlist.
	Delay int
	// Part is how long a part of low-latency HLS is at most, about: whole pictures are to fill it. 0 means that there are none.
	Part time.Duration
	// Suffix is what the names of segments end with.
	Suffix string
	// Init says that the format has an initialization segment, without which its segments cannot be decoded: fMP4.
	Init bool
}

// rounded is how much longer than the target duration a segment may be: durations are rounded to whole seconds to be compared
// with it (RFC 8216, 4.3.3.1). What is missing to the half second is for the last chunk, of which it may not be known how long it is.
const rounded = 400 * time.Millisecond

// early is from where on a key frame ends a segment that is to be of some length: stamps are rounded, so that a group of two
// seconds may be a little shorter, and would go on until there is no time left.
func early(target time.Duration) time.Duration { return target * 9 / 10 }

// firstNumber returns the number of the first segment of a stream that has perhaps been in HLS before: a client that has slept is not
// to see the numbers go back. There are not two segments a second for long.
func firstNumber(st *media.Stream) uint64 {
	return uint64(max(st.Source("").Alive, 0) / (500 * time.Millisecond))
}

// LongestTarget is the longest target duration. Where key frames are further apart, segments begin without.
const LongestTarget = 10 * time.Second

// backlogTime is how long the next chunk may take before what has come is taken for all that the stream had already.
const backlogTime = 2 * time.Millisecond

// Live is a live stream in HLS. Its methods may be called from any goroutine.
type Live struct {
	cfg    Config
	target time.Duration // the longest segment: it never changes
	stream *media.Stream
	format *media.Format
	life   context.Context
	cancel context.CancelFunc
	done   chan struct{} // closed when nothing comes any more

	mu      sync.Mutex
	list    []*entry // what is kept, oldest first; the last may not be complete
	size    int64    // bytes in the list
	window  window   // of the playlist
	delayed window   // of the delayed one
	coming  string   // what the next part is called, which the playlist has said already
	ended   bool
	changed chan struct{} // closed when there is something new
}

// window is what a playlist shows of the segments that are kept.
type window struct {
	left   int    // how many of those that are kept have left it
	breaks uint64 // discontinuities that have left it
	parts  bool   // it has parts
	cached *texts // of the playlist as it is
}

// entry is a segment in the list.
type entry struct {
	number        uint64
	name          string // without the suffix
	at            time.Time
	independent   bool // it begins with a key frame
	discontinuity bool
	init          *segment.Init
	parts         []part
	size          int           // bytes
	lasts         time.Duration // 0 until it is complete
	gone          time.Time     // when it left the playlists
}

// part is one of a segment.
type part struct {
	*segment.Part
	name string
}

// length returns how long a segment is, as far as it is there.
func (e *entry) length() time.Duration {
	if e.lasts > 0 {
		return e.lasts
	}
	d := time.Duration(0)
	for _, p := range e.parts {
		d += p.Duration
	}
	return d
}

// Open begins to keep a stream in a format. ctx is that of [media.Share], to whose open it belongs: it ends with the stream.
func Open(ctx context.Context, st *media.Stream, f *media.Format, cfg Config) (*Live, error) {
	if !carries(f, st.Description().Tracks) {
		return nil, media.ErrStreamNotFound
	}
	target := target(cfg.Target, groupOf(st))
	cfg.Part = partTarget(cfg.Part, target, rateOf(st))
	l := &Live{
		cfg: cfg, target: target, stream: st, format: f, life: ctx,
		done: make(chan struct{}), changed: make(chan struct{}),
		window: window{parts: cfg.Part > 0},
	}
	run, cancel := context.WithCancel(context.WithoutCancel(ctx)) // when the stream ends, what is left comes first
	l.cancel = cancel
	r := st.ReadFormat(l.own(f))
	go func() {
		defer close(l.done)
		defer r.Close()
		l.run(run, r)
	}()
	return l, nil
}

// own returns the format of which there is one reader. Segments of MPEG-TS share the muxing with who reads it otherwise.
func (l *Live) own(f *media.Format) *media.Format {
	if !l.cfg.Init {
		return f
	}
	own := *f
	own.OneReader = true
	return &own
}

func carries(f *media.Format, tracks []*media.Track) bool {
	for _, t := range tracks {
		if f.Carries == nil || f.Carries(t) {
			return true
		}
	}
	return false
}

// groupOf returns how far the key frames of a stream are apart; 0 if that is not known.
func groupOf(st *media.Stream) (longest time.Duration) {
	for _, t := range st.Stats().Tracks {
		longest = max(longest, t.GOPInterval)
	}
	return longest
}

// target returns the target duration: as many groups of pictures as make a segment, in whole seconds.
func target(wanted, group time.Duration) time.Duration {
	if group > 0 {
		wanted = (wanted + group - 1) / group * group
	}
	return max(min((wanted+time.Second-1)/time.Second*time.Second, LongestTarget), time.Second)
}

// Close ends it. When its stream has ended, what there was of it is still served; otherwise nobody is there to ask.
func (l *Live) Close() error {
	if l.life.Err() == nil {
		l.cancel()
	}
	<-l.done
	l.cancel()
	return nil
}

// run cuts what r reads.
func (l *Live) run(ctx context.Context, r *media.Reader[media.Chunk]) {
	cfg := segment.Config{
		Target: early(min(l.cfg.Target, l.target)), Longest: l.target + rounded, Part: l.cfg.Part,
		Size: l.largest(), First: firstNumber(l.stream),
	}
	if !l.cfg.Init {
		cfg.Tables = mpegts.Tables
	}
	cutter := segment.NewCutter(cfg, (*sink)(l))
	defer l.end()
	defer cutter.Cut()
	chunks := make([]media.Chunk, 64)
	from, to := time.Duration(-1), time.Duration(0) // of what has come
	enough := func() bool { return from >= 0 && to-from >= l.least() }
	// What the log has comes at once. The first viewer need not wait for the rest of a segment.
	for backlog, comes := true, true; ; {
		n, err := readBefore(ctx, r, chunks, backlog && comes)
		dry := errors.Is(err, context.DeadlineExceeded) && ctx.Err() == nil
		if err != nil && !dry {
			return
		}
		comes = comes && !dry
		for _, c := range chunks[:n] {
			if from < 0 {
				from = c.DTS
			}
			to = max(to, c.DTS)
			cutter.Write(c)
		}
		if backlog && !comes && enough() {
			backlog = false
			cutter.Cut()
		}
		clear(chunks[:n])
		l.expire(time.Now())
	}
}

// least is how long the first segment is at least, so that it has something of each track: of MPEG-TS, players look there for what tracks
// there are. (hls.js fails for good when sound comes only later.)
func (l *Live) least() time.Duration {
	tracks := l.stream.Description().Tracks
	if l.cfg.Init || !slices.ContainsFunc(tracks, isSound) || !slices.ContainsFunc(tracks, isVideo) {
		return 0
	}
	return leastBoth
}

// leastBoth is how long it takes, at most, until sound and pictures have both come of a stream that has both.
const leastBoth = 300 * time.Millisecond

func isVideo(t *media.Track) bool { return t.Codec.Video() }
func isSound(t *media.Track) bool { return !t.Codec.Video() }

// expire lets go of what nobody may ask for any more, also between the ends of segments.
func (l *Live) expire(now time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.forget(now)
}

// readBefore reads chunks, and waits for them only as long as there is a backlog.
func readBefore(ctx context.Context, r *media.Reader[media.Chunk], chunks []media.Chunk, backlog bool) (int, error) {
	if backlog {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, backlogTime)
		defer cancel()
	}
	return r.ReadBatch(ctx, chunks)
}

// end says that nothing comes any more.
func (l *Live) end() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.ended = true
	l.tell()
}

// Target returns the target duration.
func (l *Live) Target() time.Duration { return l.target }

// Ended reports whether nothing more comes. What there was can still be had.
func (l *Live) Ended() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.ended
}

// tell wakes who waits for something new. l.mu is held.
func (l *Live) tell() {
	l.window.cached, l.delayed.cached = nil, nil
	close(l.changed)
	l.changed = make(chan struct{})
}
