// Package hlspull plays HLS (RFC 8216), live and from the beginning of what has ended, and hands on what the segments hold at the pace
// of its stamps: MPEG-TS, fragmented MP4 and packed audio. Sound in a playlist of its own is played beside the pictures,
// and what is encrypted as a whole (AES-128) is decrypted.
package hlspull

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sluice-media/sluice/internal/acceptor"
	"github.com/sluice-media/sluice/internal/gate"
	"github.com/sluice-media/sluice/internal/leftout"
	"github.com/sluice-media/sluice/internal/pace"
)

const (
	// maxPlaylist, maxInit and maxSegment bound what is got, in bytes.
	maxPlaylist = 4 << 20
	maxInit     = 1 << 20
	maxSegment  = 64 << 20
	maxSound    = 16 << 20 // of a segment of sound by itself
	// maxAhead is the size of a segment, in bytes, from which on there is no other got ahead while it waits to be played.
	maxAhead = 8 << 20
	// behind is how many target durations in front of the end one begins to play (6.3.3).
	behind = 3
	// longestPause is how long it takes at most until a playlist is got again, and longestTarget the longest target duration that it
	// is waited three times for.
	longestPause  = 10 * time.Second
	longestTarget = 30 * time.Second
	// again is how long after a failure a segment is asked for once more.
	again = 300 * time.Millisecond
)

// Config of [Run].
type Config struct {
	// Get gets a URL, or length bytes of it from an offset if length is not 0: limit bytes at most. It returns as well where that was,
	// when the server has said that it is elsewhere. It may be called from several goroutines, and so may Warn.
	Get func(ctx context.Context, u string, from, length, limit int64) (data []byte, at *url.URL, err error)
	// Sink takes what there is.
	Sink gate.Sink
	// Warn is told what is left out.
	Warn func(error)
	// Idle ends it when no media has come for so long, or for three target durations.
	Idle time.Duration
}

var (
	errLocked  = errors.New("hls: the segments are encrypted")
	errNested  = errors.New("hls: a variant is no media playlist")
	errNothing = errors.New("hls: the playlist has no segments")
)

// item is a segment that has been got.
type item struct {
	segment
	head  []byte // the initialization segment in front, if there is one
	data  []byte
	torn  bool          // it does not go on where the one before has ended
	in    int64         // which period: stamps of another have another origin
	taken chan struct{} // closed when it is played
}

// Run plays what the playlist at a URL names, of which text is what it was. It returns nil when a stream that has an end is over.
func Run(ctx context.Context, at *url.URL, text []byte, cfg Config) error {
	cfg.Warn = leftout.New(cfg.Warn).Add
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	c := newClient(cfg, at, maxSegment)
	sound, err := c.choose(ctx, text)
	if err != nil {
		return err
	}
	pacer := &pace.Pacer{
		Sink: cfg.Sink, Warn: cfg.Warn, Came: c.came, Done: ctx.Done(), Why: func() error { return context.Cause(ctx) },
	}
	if sound != nil {
		return playBoth(ctx, pacer, [2]*client{c, sound})
	}
	return c.play(ctx, paced{pacer})
}

// paced is what the packets of a playlist without another are for, in which periods do not matter.
type paced struct{ *pace.Pacer }

func (p paced) begin(_ int64, torn bool) {
	if torn {
		p.Restart()
	}
}

// play plays the playlist, and returns nil when it has an end and is over.
func (c *client) play(ctx context.Context, to sink) error {
	ctx, cancel := context.WithCancel(ctx)
	play := &play{sink: to, warn: c.Warn}
	items := make(chan item, 1)
	var getting sync.WaitGroup
	defer getting.Wait()
	defer cancel()
	var ended error
	getting.Go(func() {
		defer close(items)
		ended = acceptor.Guard(func() error { return c.follow(ctx, c.list, items) })
	})
	for i := range items {
		close(i.taken)
		if err := play.segment(&i); err != nil {
			return err
		}
	}
	if ended == nil {
		ended = play.end()
	}
	if ended == nil && play.packets == 0 {
		ended = cmp.Or(play.bad, c.failed, errNothing)
	}
	return ended
}

// client gets what a playlist has.
type client struct {
	Config
	at     *url.URL // of the media playlist
	list   *playlist
	limit  int64         // of a segment, in bytes
	came   *atomic.Int64 // when there was media, in ns of Unix
	period int64         // of the newest segment
	failed error         // the newest failure
	keys   *keys
	init   resource // the newest initialization segment, and what it is
	head   []byte
	large  <-chan struct{} // closed when the newest segment is played, if that is large
}

func newClient(cfg Config, at *url.URL, limit int64) *client {
	c := &client{Config: cfg, at: at, limit: limit, came: &atomic.Int64{}, keys: &keys{}}
	c.came.Store(time.Now().UnixNano())
	return c
}

// choose gets the media playlist: of several, the one with the most bits. sound is another one which has its sound, if there is one.
func (c *client) choose(ctx context.Context, text []byte) (sound *client, err error) {
	c.list, err = parse(text, c.at)
	if err != nil || len(c.list.variants) == 0 {
		return nil, err
	}
	all, base := c.list, c.at
	best := slices.MaxFunc(all.variants, func(a, b variant) int { return cmp.Compare(a.bandwidth, b.bandwidth) })
	if err := c.open(ctx, base, best.uri); err != nil {
		return nil, err
	}
	if r := all.sound(best); r != nil && r.uri != "" && r.uri != best.uri {
		sound = newClient(c.Config, nil, maxSound)
		sound.keys = c.keys
		return sound, sound.open(ctx, base, r.uri)
	}
	return nil, nil //nolint:nilnil // as documented
}

// open gets the media playlist at a URI.
func (c *client) open(ctx context.Context, base *url.URL, uri string) (err error) {
	if c.at, err = resolve(base, uri); err != nil {
		return err
	}
	if c.list, err = c.reload(ctx); err == nil && len(c.list.variants) > 0 {
		err = errNested
	}
	return err
}

// reload gets the media playlist.
func (c *client) reload(ctx context.Context) (*playlist, error) {
	text, at, err := c.Get(ctx, c.at.String(), 0, 0, maxPlaylist)
	if err != nil {
		return nil, err
	}
	return parse(text, at)
}

// follow gets segment after segment, and the playlist again for what is new in it.
func (c *client) follow(ctx context.Context, p *playlist, items chan<- item) error {
	next, torn := int64(-1), true
	for {
		next = p.goOn(next, &torn)
		news := false
		for i := range p.segments {
			s := &p.segments[i]
			if next < 0 || s.number < next {
				continue
			}
			next = s.number + 1
			got, err := c.deliver(ctx, p, s, torn, items)
			if err != nil {
				return err
			}
			torn, news = !got, news || got
			if err := c.patience(p); err != nil {
				return err
			}
		}
		if p.ended {
			return nil
		}
		for more := false; !more; {
			if err := c.pause(ctx, p.target, news); err != nil {
				return err
			}
			newer, err := c.reload(ctx)
			switch {
			case ctx.Err() != nil:
				return context.Cause(ctx)
			case err != nil:
				c.failed, news = err, false
			default:
				p, more = newer, true
			}
			if err := c.patience(p); err != nil {
				return err
			}
		}
	}
}

// deliver gets a segment and hands it on. It reports whether it could be got.
func (c *client) deliver(ctx context.Context, p *playlist, s *segment, torn bool, items chan<- item) (got bool, err error) {
	if c.large != nil { // one that waits is enough
		select {
		case <-c.large:
		case <-ctx.Done():
			return false, context.Cause(ctx)
		}
	}
	data, err := c.fetch(ctx, p, s)
	if err != nil && ctx.Err() == nil && !s.missing && !errors.Is(err, errLocked) {
		if err := c.pause(ctx, again, true); err != nil {
			return false, err
		}
		data, err = c.fetch(ctx, p, s)
	}
	switch {
	case ctx.Err() != nil:
		return false, context.Cause(ctx)
	case errors.Is(err, errLocked):
		return false, err
	case err != nil:
		c.failed = err
		c.Warn(err)
		return false, nil
	}
	i := item{segment: *s, data: data, torn: torn, in: c.periodOf(p, s), taken: make(chan struct{})}
	if s.init != nil {
		i.head = c.head
	}
	c.large = nil
	if len(data) > maxAhead {
		c.large = i.taken
	}
	select {
	case items <- i:
		return true, nil
	case <-ctx.Done():
		return false, context.Cause(ctx)
	}
}

// periodOf returns the period of a segment that is handed on: as the playlist counts, if it does (4.3.3.3).
func (c *client) periodOf(p *playlist, s *segment) int64 {
	switch {
	case p.counts:
		c.period = s.period
	case s.discontinuity:
		c.period++
	}
	return c.period
}

// patience says that it is over.
func (c *client) patience(p *playlist) error {
	most := max(c.Idle, behind*min(p.target, longestTarget))
	if time.Since(time.Unix(0, c.came.Load())) <= most {
		return nil
	}
	return errors.Join(fmt.Errorf("hls: no media for %v", most), c.failed)
}

// pause waits until there may be something new (6.3.4).
func (c *client) pause(ctx context.Context, target time.Duration, news bool) error {
	if !news {
		target /= 2
	}
	t := time.NewTimer(min(target, longestPause))
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// goOn returns the number of the segment to go on with, -1 if there is none, when next has not been got. torn is set where that does
// not follow.
func (p *playlist) goOn(next int64, torn *bool) int64 {
	if len(p.segments) == 0 {
		return next
	}
	first, end := p.sequence, p.sequence+int64(len(p.segments))
	switch {
	case next >= first && next <= end:
		return next
	case next > end && next-end < int64(len(p.segments)): // an older version than the last
		return next
	case next >= 0 && next < first: // they have left it already
		*torn = true
		return first
	}
	*torn = true
	if p.ended {
		return first
	}
	left := behind * p.target
	for i := len(p.segments) - 1; i >= 0; i-- {
		if left -= p.segments[i].lasts; left <= 0 || i == 0 {
			return first + int64(i)
		}
	}
	return first
}

// fetch gets a segment, and the initialization segment that belongs in front of it.
func (c *client) fetch(ctx context.Context, p *playlist, s *segment) ([]byte, error) {
	if err := s.lock.refused(); err != nil {
		return nil, err
	}
	if s.missing {
		return nil, errors.New("hls: the server has a gap")
	}
	if s.init != nil && (c.head == nil || *s.init != c.init) {
		head, err := c.initial(ctx, p, s.init)
		if err != nil {
			return nil, err
		}
		c.init, c.head = *s.init, head
	}
	data, err := c.get(ctx, p, &s.resource, c.limit)
	if err == nil && s.lock.method != "" {
		data, err = c.decrypt(ctx, p, &s.lock, data, s.lock.vector(s.number))
	}
	return data, err
}

// initial gets an initialization segment. Some servers encrypt the segments behind it only, whatever the playlist says.
func (c *client) initial(ctx context.Context, p *playlist, r *resource) ([]byte, error) {
	if err := r.lock.refused(); err != nil {
		return nil, err
	}
	data, err := c.get(ctx, p, r, maxInit)
	switch {
	case err != nil || r.lock.method == "" || isMP4(data):
		return data, err
	case r.lock.numbered: // which it has none of (4.3.2.5)
		return nil, fmt.Errorf("%w: an initialization segment without an initialization vector", errLocked)
	}
	return c.decrypt(ctx, p, &r.lock, data, r.lock.iv[:])
}

// get gets what a playlist names.
func (c *client) get(ctx context.Context, p *playlist, r *resource, limit int64) ([]byte, error) {
	u, err := resolve(p.base, r.uri)
	if err != nil {
		return nil, err
	}
	data, _, err := c.Get(ctx, u.String(), r.from, r.length, limit)
	return data, err
}
