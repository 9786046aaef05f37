// Package relay pulls streams from other servers and pushes streams to others, and sees to it that they go on.
//
// A [Relay] has any number of pulls and pushes, each with a key. An attempt that fails is followed by another, by one rule for all: see
// [Retry]. Who watches a pulled stream stays while it is away. The clients themselves are in the packages of their protocols, such as
// rtsp.Pull, rtmp.Pull and web.Pull.
//
// Streams that are not there can be pulled while somebody watches them: [Relay.OnDemand], and [Relay.Edge] for those of other servers.
// [Relay.Snapshot] takes a picture of a stream.
//
// For sources that it cannot pull itself a Relay runs ffmpeg, see [Relay.RunFFmpeg].
//
// The types of requests and answers are those that package api asks a part with, see api.Parts. A host can serve these calls by a relay
// of its own.
package relay
