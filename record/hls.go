package record

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/sluice-media/sluice/internal/mpegts"
	"github.com/sluice-media/sluice/internal/segment"
	"github.com/sluice-media/sluice/media"
)

const (
	// longestSegment is how long a segment is at most: where key frames are further apart, segments begin without.
	longestSegment = 10 * time.Second
	// roundedSegment is what may be missing to the second by which durations are rounded (RFC 8216, 4.3.3.1).
	roundedSegment = 400 * time.Millisecond
	// largestSegment bounds the bytes of a segment, which are in memory until it ends.
	largestSegment = 64 << 20
)

// segments is a recording by HLS: a file for each segment, and a playlist for each hour.
type segments struct {
	g        *recording
	cutter   *segment.Cutter
	mux      media.Chunker // nil before the first packet
	tracks   map[int]*media.Track
	stale    bool // what comes is not what the muxer was told
	suffix   string
	playlist string // its name
	at       time.Time
	shift    uint64 // of the numbers
	current  *cutting
	vod      *vod
	init     *segment.Init
	broken   bool // a segment is missing
}

var _ segment.Sink = (*segments)(nil)

// cutting is a segment that is being written.
type cutting struct {
	entry
	path    string // meanwhile
	disk    *disk
	packets uint64 // that came since it began
}

// runSegments records until the stream ends, or it is told to stop.
func (g *recording) runSegments() {
	defer close(g.done)
	defer g.recorder.forget(g)
	defer g.unmark()
	s := g.newSegments()
	r := g.stream.Read()
	defer r.Close()
	batch := make([]*media.Packet, 64)
	for skipped := uint64(0); ; {
		n, err := r.ReadBatch(g.ctx, batch)
		if now := r.Skipped(); now != skipped {
			g.lost.Add(now - skipped)
			skipped, s.stale = now, true
		}
		for _, p := range batch[:n] {
			s.packet(p)
		}
		clear(batch[:n])
		if err != nil {
			s.close()
			if !errors.Is(err, io.EOF) && g.ctx.Err() == nil {
				g.log.Warn("recording ended", "err", err)
			}
			return
		}
	}
}

func (g *recording) newSegments() *segments {
	s := &segments{g: g}
	s.playlist, s.suffix = filesOf(g.kind)
	cfg := segment.Config{
		Target: g.max * 9 / 10, Longest: longestSegment + roundedSegment, Part: fragment, Size: largestSegment, Tables: mpegts.Tables,
	}
	if g.kind == HLSFMP4 {
		cfg.Tables = nil // they are in the initialization segment
	}
	s.cutter = segment.NewCutter(cfg, s)
	return s
}

// packet muxes a packet.
func (s *segments) packet(p *media.Packet) {
	g := s.g
	known, start := g.know(p), g.starts(p)
	if !g.form.carries(p.Track) {
		g.leave(p.Track)
		return
	}
	s.count()
	s.stale = s.stale || s.mux == nil || !known || !s.has(p)
	if s.stale && !start {
		if s.mux != nil {
			g.lost.Add(1)
		}
		return
	}
	err := error(nil)
	if s.stale {
		err = s.describe()
	}
	if err == nil {
		err = s.mux.WritePacket(s, p, start)
	}
	if err != nil {
		s.fail(err)
	}
}

// count counts a packet as one of the current segment, or as lost where a failure has left none.
func (s *segments) count() {
	switch {
	case s.current != nil:
		s.current.packets++
	case s.g.failing:
		s.g.lost.Add(1)
	}
}

// has reports whether a packet is of a track as the muxer was told it.
func (s *segments) has(p *media.Packet) bool {
	known := s.tracks[p.Track.ID]
	return known == p.Track || known != nil && sameTrack(known, p.Track)
}

// describe begins with a muxer for what comes: it does not follow from what there was.
func (s *segments) describe() error {
	s.flush()
	d, err := s.g.describe()
	if err != nil {
		return err
	}
	s.mux, s.tracks = s.g.form.chunker(nil), map[int]*media.Track{}
	for _, t := range d.Tracks {
		s.tracks[t.ID] = t
	}
	head, err := s.mux.AppendHeader(nil, d)
	if err == nil && len(head) == 0 {
		head = []byte{} // of a format that has none
	}
	s.stale = false
	s.cutter.Write(media.Chunk{Header: head})
	return err
}

func (s *segments) flush() {
	if s.mux == nil {
		return
	}
	if err := s.mux.Flush(s); err != nil {
		s.fail(err)
	}
}

// close ends the segment and the playlist that there are.
func (s *segments) close() {
	s.flush()
	s.cutter.Cut()
	s.end()
}

// Tail implements [media.ChunkWriter]. What is cut is kept until its part is whole.
func (s *segments) Tail(n int) []byte { return make([]byte, 0, n) }

// Write implements [media.ChunkWriter].
func (s *segments) Write(c media.Chunk) { s.cutter.Write(c) }

// Begin implements [segment.Sink].
func (s *segments) Begin(x *segment.Segment) {
	if s.at.IsZero() || x.Discontinuity {
		s.at = s.g.stream.Epoch().Add(x.Start)
	}
	if time.Now().Before(s.g.retry) {
		s.broken = true
		return
	}
	if err := s.open(x); err != nil {
		s.fail(err)
	}
}

// open makes the file of a segment, and the playlist of its hour if there is none.
func (s *segments) open(x *segment.Segment) error {
	dir := s.dir()
	if err := s.turn(dir); err != nil {
		return err
	}
	name := s.free(dir, x.Number)
	c := &cutting{entry: entry{name: name + s.suffix, begins: s.at, broken: s.vod.breaks(x.Discontinuity || s.broken)}}
	if x.Init != nil && x.Init != s.init {
		c.init = name + initSuffix + s.suffix
	}
	c.path = filepath.Join(dir, hiddenSegment(&c.entry))
	f, err := s.g.recorder.create(c.path)
	if err != nil {
		return err
	}
	c.disk = newDisk(f, s.g.recorder.cfg.Sync, func() { s.g.stalled(c.path) })
	s.current = c
	if c.init == "" {
		return nil
	}
	s.init = x.Init
	return s.writeInit(filepath.Join(dir, c.init), x.Init.Data)
}

// dir is the directory of the hour in which the current segment begins.
func (s *segments) dir() string {
	return filepath.Dir(filepath.Join(s.g.place.dir(), segment.Name(s.at.Local(), 0, "")))
}

// turn goes on in the directory of an hour, with its playlist.
func (s *segments) turn(dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	if s.vod != nil && s.vod.dir == dir {
		return nil
	}
	s.end()
	v, err := s.g.openHour(dir, s.playlist, s.suffix)
	if err != nil {
		return err
	}
	s.vod, s.init = v, nil
	return nil
}

// free returns a name that no segment has, without the suffix: there may be those of an earlier recording of the same second.
func (s *segments) free(dir string, number uint64) (base string) {
	for range maxNumber {
		base = filepath.Base(segment.Name(s.at.Local(), number+s.shift, ""))
		if _, err := os.Lstat(filepath.Join(dir, base+s.suffix)); err != nil {
			break
		}
		s.shift++
	}
	return base
}

// writeInit writes an initialization segment, in place of what has its name.
func (s *segments) writeInit(name string, data []byte) error {
	if err := os.Remove(name); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	f, err := os.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	if err == nil && s.g.recorder.cfg.Sync {
		err = f.Sync()
	}
	return errors.Join(err, f.Close())
}

// Part implements [segment.Sink].
func (s *segments) Part(_ *segment.Segment, p *segment.Part) {
	if s.current == nil {
		return
	}
	if err := s.current.disk.write(p.Data); err != nil {
		s.fail(err)
	}
}

// End implements [segment.Sink].
func (s *segments) End(x *segment.Segment) {
	s.at = s.at.Add(x.Duration)
	c := s.current
	if c == nil {
		return
	}
	c.lasts = x.Duration
	err := c.disk.file.Close()
	if err == nil {
		err = s.vod.publish(c.path, &c.entry)
	}
	if errors.Is(err, errMeddled) {
		s.reopen(c)
		return
	}
	if err != nil {
		s.fail(err)
		return
	}
	s.current, s.broken = nil, false
	s.recovered(filepath.Join(s.vod.dir, c.name))
	s.g.recorder.tellSegment(&owner{s.g.stream.Key(), s.g.place}, s.g.stream.Source("").Params, s.vod.dir, &c.entry)
}

// reopen goes on in the playlist as somebody has left it, or another if it is not ours any more: that enters the segment which has ended.
func (s *segments) reopen(c *cutting) {
	s.g.log.Warn("somebody has changed or removed the playlist of the hour; the recording goes on with what there is of it", "path", s.vod.file.Name())
	_ = release(s.vod.file) // nothing was written
	s.vod, s.current = nil, nil
	err := s.keepInit(c)
	if err == nil {
		err = s.turn(filepath.Dir(c.path))
	}
	if err != nil {
		s.fail(err)
	}
}

// keepInit has a segment that has ended say itself what it needs first: perhaps the playlist does not any more.
func (s *segments) keepInit(c *cutting) error {
	if s.init == nil || c.init != "" {
		return nil
	}
	dir := filepath.Dir(c.path)
	c.init = strings.TrimSuffix(c.name, s.suffix) + initSuffix + s.suffix
	if err := s.writeInit(filepath.Join(dir, c.init), s.init.Data); err != nil {
		return err
	}
	return os.Rename(c.path, filepath.Join(dir, hiddenSegment(&c.entry)))
}

// fail gives up the current segment. The next is tried, but not at once.
func (s *segments) fail(err error) {
	if c := s.current; c != nil {
		s.g.lost.Add(c.packets)
		_ = c.disk.file.Close() // why it failed was said
		_ = os.Remove(c.path)
		if c.init != "" {
			_ = os.Remove(filepath.Join(filepath.Dir(c.path), c.init))
			s.init = nil // the next segment has it
		}
	}
	s.current, s.broken = nil, true
	s.g.fail(s.g.place.dir(), err)
}

// recovered says that the recording goes on with a segment, after a failure or a gap.
func (s *segments) recovered(path string) {
	lost := s.g.lost.Load() - s.g.told
	if !s.g.failing && lost == 0 {
		return
	}
	s.g.failing, s.g.told = false, s.g.told+lost
	s.g.log.Warn("recording goes on", "path", path, "lost", lost)
	s.g.notify(Event{What: Resumed, Path: path, Lost: lost})
}

// end ends the playlist of an hour.
func (s *segments) end() {
	if s.vod == nil {
		return
	}
	if err := s.vod.end(); err != nil {
		s.g.fail(s.vod.dir, err)
	}
	s.vod = nil
}
