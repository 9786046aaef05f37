// Package gb28181 is what receivers and senders of RTP are asked and answer with: ports of their own, as the cameras
// and platforms of GB/T 28181 use them, with MPEG-PS, MPEG-TS or an elementary stream in RTP (RFC 3550).
//
// It holds these types only: the server itself is still to come. A host that has one of its own can serve the calls
// of package api by it, see api.Parts.
package gb28181
