package media

import "time"

// Packet is one access unit (all NAL units of a picture) or one audio frame. Once given to
// [Publisher.WritePacket] the packet and the bytes under it are read-only for everyone, for ever.
type Packet struct {
	// Track is the one the packet belongs to. A new *Track of a known ID announces new parameter sets.
	Track *Track
	// DTS and PTS are decoding and presentation time since the start of the stream. In a packet that was read
	// from a stream, DTS grows strictly from packet to packet of a track and PTS is not before DTS. There are two
	// exceptions: with hook.StreamOptions.ModifyStamp 0 the stamps are those of the source, and DTS steps back where the
	// source does by more than half a second; and packets of RawRTP keep the stamp of their RTP as PTS, which many can
	// share and which can step back, while DTS does not.
	DTS, PTS time.Duration
	// SourceDTS and SourcePTS are the publisher's own stamps, as WritePacket got them.
	SourceDTS, SourcePTS time.Duration
	// NTP is the wall clock at the source. It is zero if unknown.
	NTP time.Time
	// Key says that decoding can start here. Audio packets leave it false.
	Key bool
	// Data is the payload: for H.264 and H.265 NAL units, each behind its length in four bytes; for AV1 a
	// temporal unit in the low-overhead format without its delimiter; else the codec's raw frame.
	Data []byte
}
