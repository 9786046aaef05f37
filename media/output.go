package media

import (
	"errors"
	"io"
	"slices"
	"time"

	"github.com/sluice-media/sluice/media/internal/fanout"
)

// audioHold is how long an audio frame may wait for the picture it rides with.
const audioHold = 40 * time.Millisecond

// slack is how many bytes a muxer may add to a packet, besides a 64th of it, and still write to the log's memory:
// its own heads, and audio frames that it has held back.
const slack = 2 << 10

// output is a stream in one format: the muxer, and the log of what it made. It exists while somebody reads
// it. All of it is guarded by the stream's mutex but log and group.
type output struct {
	stream  *Stream
	format  *Format
	mux     Chunker
	writer  chunkWriter // for mux
	holds   bool        // the muxer may hold packets back
	log     *fanout.Log[fanout.Item]
	group   *fanout.Group
	arena   fanout.Arena
	intro   *fanout.Intro
	changed bool // the description has, since the readers were told
	resumed bool // the next chunk is the first of another publisher
	broken  bool // the muxer failed, which has been logged
	failed  bool // for good, or it has come to its end

	users int
	timer *time.Timer // wakes the readers for what waits to be written together
	armed bool
	pause pause

	without []int // IDs of the tracks that the format leaves out
	owed    bool  // a start point was in one of them: the next packet is one
}

// open returns the output of a format, with one more user, and starts it if it is the first: from the
// newest start point the stream has.
func (st *Stream) open(f *Format) *output {
	st.mu.Lock()
	defer st.mu.Unlock()
	o := st.outputs[f]
	if o == nil {
		o = st.newOutput(f)
		if !o.failed {
			st.outputs[f] = o
		}
	}
	o.users++
	return o
}

func (st *Stream) newOutput(f *Format) *output {
	o := &output{
		stream: st, format: f,
		log:     fanout.NewLog[fanout.Item](fanout.Limits{Bytes: st.server.config().LogBytes, Items: maxLogItems}),
		group:   st.server.engine.NewGroup(),
		changed: true,
	}
	o.writer.out = o
	o.timer = time.AfterFunc(time.Hour, o.expire)
	o.timer.Stop()
	o.newMuxer()
	for pkt, start := range st.packets.FromStart() {
		o.append(pkt, start)
	}
	switch {
	case st.ended:
		o.flushHeld()
		o.log.Close()
	case st.publisher == nil:
		o.flushHeld()
	default:
		o.pause.begin(o)
	}
	return o
}

// release gives up one use. The last one stops the muxer.
func (o *output) release() {
	o.stream.mu.Lock()
	defer o.stream.mu.Unlock()
	o.users--
	if o.users > 0 {
		return
	}
	o.stop()
	if o.stream.outputs[o.format] == o {
		delete(o.stream.outputs, o.format)
	}
}

// stop stops the timers.
func (o *output) stop() {
	o.timer.Stop()
	o.pause.stop()
}

// close ends the log. Readers get what is in it and in the muxer first.
func (o *output) close() {
	o.stop()
	o.flushHeld()
	o.log.Close()
	o.group.Wake()
}

// write muxes a packet and wakes the readers: now, or a little later together with what follows.
func (o *output) write(pkt *Packet, start bool) {
	given := o.append(pkt, start)
	o.pause.begin(o)
	if !given {
		return
	}
	wait := o.stream.server.config().MergeWrite
	if wait == 0 && o.stream.lead != nil && !pkt.Track.Codec.Video() {
		wait = audioHold
	}
	if wait == 0 {
		o.flush()
	} else if !o.armed {
		o.armed = true
		o.timer.Reset(wait)
	}
}

func (o *output) flush() {
	if o.armed {
		o.armed = false
		o.timer.Stop()
	}
	o.group.Wake()
}

// expire ends the wait of what was to be written together.
func (o *output) expire() {
	o.stream.mu.Lock()
	o.armed = false
	o.stream.mu.Unlock()
	o.group.Wake()
}

// newMuxer makes the muxer. One that panics ends the readers.
func (o *output) newMuxer() {
	var err error
	func() {
		defer fanout.Catch(&err)
		if o.format.NewChunker != nil {
			o.mux, o.holds = o.format.NewChunker(), true
			return
		}
		m := o.format.New()
		_, o.holds = m.(Flusher)
		o.mux = &perPacket{Muxer: m}
	}()
	if err != nil {
		o.abandon(err)
	}
}

// append muxes a packet into the log and reports whether it gave anything.
func (o *output) append(pkt *Packet, start bool) bool {
	if o.failed {
		return false
	}
	before := o.log.Head()
	if o.changed {
		o.flushHeld()
		err := o.introduce(pkt.DTS)
		if errors.Is(err, io.EOF) {
			o.retire()
			return false
		}
		if err != nil {
			o.fail(err)
			return false
		}
	}
	start, o.owed = start || o.owed, false
	if len(o.without) > 0 && slices.Contains(o.without, pkt.Track.ID) {
		o.owed = start
		return o.log.Head() != before
	}
	if err := o.mux1(pkt, start); err != nil {
		o.owed = start
		o.fail(err)
	}
	return o.log.Head() != before
}

// mux1 muxes one packet.
func (o *output) mux1(pkt *Packet, start bool) (err error) {
	defer fanout.Catch(&err)
	return o.mux.WritePacket(&o.writer, pkt, start)
}

// flushHeld lets the muxer give what it holds back.
func (o *output) flushHeld() {
	if !o.holds || o.failed || o.intro == nil {
		return
	}
	err := func() (err error) {
		defer fanout.Catch(&err)
		return o.mux.Flush(&o.writer)
	}()
	if err != nil {
		o.fail(err)
	}
}

// add puts a chunk into the log.
func (o *output) add(c Chunk) {
	it := o.arena.Item(c.Data)
	it.DTS, it.Duration = c.DTS, c.Duration
	it.Resumed, o.resumed = o.resumed, false
	if c.Key {
		it.Intro = o.intro
	}
	o.log.Append(it, len(c.Data), c.Key)
	switch {
	case o.log.Size() <= worthReleasing:
	case o.format.OneReader && !o.group.Empty():
		o.log.Discard(o.group.Oldest())
	case c.Key:
		o.log.Release(o.group.Oldest()) // the last group of pictures, if all have it
	}
}

// worthReleasing is how many bytes a log holds before it is asked which of them its readers need: there may be thousands,
// and where all packets are start points it holds little.
const worthReleasing = 64 << 10

// introduce brings the intro up to date after a change of the description, and tells the running readers.
func (o *output) introduce(at time.Duration) error {
	header, change, err := o.describe()
	if err != nil {
		if _, panicked := errors.AsType[*fanout.PanicError](err); panicked {
			o.abandon(err)
		}
		return err
	}
	if o.intro != nil && len(change) > 0 {
		it := o.arena.Item(append(o.arena.Tail(len(change)), change...))
		it.DTS, it.Change = at, true
		o.log.Append(it, len(change), false)
	}
	o.intro = &fanout.Intro{Header: header, Change: change}
	o.without = idsOf(o.format.leaves(o.stream.Description().Tracks))
	o.changed = false
	return nil
}

// describe asks the muxer for what belongs in front of what follows.
func (o *output) describe() (header, change []byte, err error) {
	defer fanout.Catch(&err)
	d := o.stream.current()
	if left := o.format.leaves(d.Tracks); len(left) > 0 {
		d.Tracks = slices.DeleteFunc(slices.Clone(d.Tracks), func(t *Track) bool { return slices.Contains(left, t) })
	}
	header, err = o.mux.AppendHeader(nil, d)
	if err == nil {
		change, err = o.mux.AppendChange(nil, d)
	}
	return header, change, err
}

// fail logs the first failure of the muxer. What it could not mux is missing in this format.
func (o *output) fail(err error) {
	if o.broken {
		return
	}
	o.broken = true
	args := []any{"stream", o.stream.key.String(), "format", o.format.Name, "err", err}
	if v, ok := errors.AsType[*fanout.PanicError](err); ok {
		args = append(args, "stack", string(v.Stack))
	}
	o.stream.server.log.Error("muxer failed", args...)
}

// abandon ends the readers: there is no muxer, or nobody could begin to read what it makes.
func (o *output) abandon(err error) {
	o.fail(err)
	o.failed = true
	o.log.Fail(errPanic)
	o.group.Wake()
}

// retire ends the readers, which get what there is: the format cannot go on with what the description has become. Those
// who come later get another output.
func (o *output) retire() {
	o.failed = true
	o.close()
	if o.stream.outputs[o.format] == o {
		delete(o.stream.outputs, o.format)
	}
}
