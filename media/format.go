package media

import "time"

// Format is a wire format. It is known by its pointer, not by its name: a stream is muxed once for each
// *Format that has readers. Make one when a server is built and use it for all sessions.
type Format struct {
	// Name stands in logs, such as "rtmp" or "flv".
	Name string
	// Schema is the kind of source the readers of this format count for: rtmp, rtsp, ts, fmp4 ….
	Schema string
	// Carries reports whether the format can carry a track; packets of others are left out. Nil carries all. It is called
	// with locks held, and only computes.
	Carries func(*Track) bool
	// OnePerKind says that the format cannot tell two video tracks apart, nor two of audio: packets of all but the first of
	// each that it carries are left out.
	OnePerKind bool
	// OneReader says that a stream has one reader of the format at a time, as of one that was made for it. Chunks are not kept when that
	// has read them: another reader that comes meanwhile begins at the next key frame, not at the newest.
	OneReader bool
	// New returns a muxer for one stream, which makes a chunk of each packet.
	New func() Muxer
	// NewChunker, if it is not nil, is called instead of New, for a muxer that makes its chunks itself.
	NewChunker func() Chunker
}

// Description is what is known of a stream besides its packets.
type Description struct {
	// Tracks are in the publisher's order.
	Tracks []*Track
	// Metadata holds what the publisher says of the stream: string, float64 and bool values (RTMP's onMetaData).
	Metadata map[string]any
	// Epoch is the wall clock at the start of the stream, where DTS is 0. A muxer is told what it would have been for
	// the newest packet to be of now, since the clock of the source is another one.
	Epoch time.Time
}

// Muxer turns packets into wire bytes, once for all readers of a format. Its methods append to dst and return
// the longer slice; they must not keep dst. They are called by one goroutine at a time, with the stream's
// lock held: a Muxer computes, it never waits.
type Muxer interface {
	// AppendHeader appends what every new reader must get before its first chunk. The tracks of d are those that are
	// not left out. io.EOF says that the format cannot go on with what the description has become: its readers get what
	// there is and then io.EOF, and those that come later begin with a new Muxer.
	AppendHeader(dst []byte, d *Description) ([]byte, error)
	// AppendChange appends what readers that run already must get when the description has changed. It comes
	// in front of the first packet that needs it.
	AppendChange(dst []byte, d *Description) ([]byte, error)
	// AppendPacket appends p. Appending nothing leaves the packet out of the format, or holds it back: see [Flusher].
	AppendPacket(dst []byte, p *Packet) ([]byte, error)
}

// Chunk is a muxed packet, or several. It is shared by all readers: read-only.
type Chunk struct {
	// Key says that a reader can start here, after the format's header.
	Key bool
	// DTS is that of the packet, the first if there are several.
	DTS time.Duration
	// Duration is how long what is in the chunk lasts; 0 if that is not known.
	Duration time.Duration
	// Change says that Data is no media but what the muxer's AppendChange has given: what follows has another description.
	// Readers are told; muxers leave it unset.
	Change bool
	// Resumed says that the chunk is the first of a publisher that goes on with the stream of another. Like Change it is
	// for readers.
	Resumed bool
	// Header is the header that belongs in front of this chunk for a reader that starts here, and for one that goes on
	// here after it has lost something.
	Header []byte
	// Data are the bytes.
	Data []byte
}
