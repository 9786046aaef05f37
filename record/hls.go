package record

import (
	"errors"
	"io"
	"os"
	"path"
	"path/filepath"
	"time"

	"github.com/sluice-media/sluice/hook"
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
	name     string // of the current segment, without the suffix; empty if it is not being written
	disk     *disk
	vod      *vod
	init     *segment.Init
	broken   bool // a segment is missing
}

var _ segment.Sink = (*segments)(nil)

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
	s := &segments{g: g, suffix: ".ts", playlist: "vod.m3u8"}
	cfg := segment.Config{
		Target: g.max * 9 / 10, Longest: longestSegment + roundedSegment, Part: fragment, Size: largestSegment, Tables: mpegts.Tables,
	}
	if g.kind == HLSFMP4 {
		s.suffix, s.playlist, cfg.Tables = ".mp4", "vod.fmp4.m3u8", nil
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
	name := segment.Name(s.at.Local(), x.Number+s.shift, "")
	for range maxNumber { // of an earlier recording of the same second
		if _, err := os.Lstat(filepath.Join(s.g.place.dir(), name+s.suffix)); err != nil {
			break
		}
		s.shift++
		name = segment.Name(s.at.Local(), x.Number+s.shift, "")
	}
	dir := filepath.Join(s.g.place.dir(), filepath.Dir(name))
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	if s.vod == nil || s.vod.dir != dir {
		s.end()
		v, err := openVOD(dir, s.playlist)
		if err != nil {
			return err
		}
		s.vod, s.init = v, nil
	}
	if x.Init != nil && x.Init != s.init {
		init := filepath.Base(name) + "_init" + s.suffix
		if err := os.WriteFile(filepath.Join(dir, init), x.Init.Data, 0o644); err != nil { //nolint:gosec // to be served
			return err
		}
		s.vod.mapping(init)
		s.init = x.Init
	}
	path := hidden(dir, filepath.Base(name)+s.suffix)
	_ = os.Remove(path) // of a crash in the same second
	f, err := s.g.recorder.create(path)
	if err != nil {
		return err
	}
	s.name = name
	s.disk = newDisk(f, s.g.recorder.cfg.Sync, func() { s.g.stalled(path) })
	return nil
}

// Part implements [segment.Sink].
func (s *segments) Part(_ *segment.Segment, p *segment.Part) {
	if s.name == "" {
		return
	}
	if err := s.disk.write(p.Data); err != nil {
		s.fail(err)
	}
}

// End implements [segment.Sink].
func (s *segments) End(x *segment.Segment) {
	begins := s.at
	s.at = s.at.Add(x.Duration)
	if s.name == "" {
		return
	}
	dir, base := filepath.Split(filepath.Join(s.g.place.dir(), s.name))
	err := s.disk.file.Close()
	if err == nil {
		err = os.Rename(hidden(dir, base+s.suffix), filepath.Join(dir, base+s.suffix))
	}
	if err == nil {
		err = s.vod.add(base+s.suffix, begins, x.Duration, x.Discontinuity || s.broken)
	}
	if err != nil {
		s.fail(err)
		return
	}
	name := s.name + s.suffix
	s.name, s.broken = "", false
	s.recovered(name)
	s.tell(name, begins, x.Duration)
}

// fail gives up the current segment. The next is tried, but not at once.
func (s *segments) fail(err error) {
	if s.name != "" {
		dir, base := filepath.Split(filepath.Join(s.g.place.dir(), s.name))
		_ = s.disk.file.Close() // why it failed was said
		_ = os.Remove(hidden(dir, base+s.suffix))
	}
	s.name, s.broken = "", true
	s.g.fail(s.g.place.dir(), err)
}

func (s *segments) recovered(name string) {
	lost := s.g.lost.Load() - s.g.told
	if !s.g.failing && lost == 0 {
		return
	}
	s.g.failing, s.g.told = false, s.g.told+lost
	s.g.log.Warn("recording goes on", "path", name, "lost", lost)
	s.g.notify(Event{What: Resumed, Path: filepath.Join(s.g.place.dir(), name), Lost: lost})
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

// tell tells the observers of a segment.
func (s *segments) tell(name string, begins time.Time, lasts time.Duration) {
	file := filepath.Join(s.g.place.dir(), filepath.FromSlash(name))
	info, err := os.Stat(file)
	if err != nil { // somebody has removed it
		return
	}
	s.g.recorder.media.RecordedTS(&hook.RecordEvent{
		Stream: s.g.stream.Key(), Params: s.g.stream.Source("").Params, Start: begins, Length: lasts, FileSize: info.Size(),
		FilePath: file, FileName: name, Folder: s.g.place.dir(), URL: path.Join(s.g.place.url, name),
	})
}
