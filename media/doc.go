// Package media is the core: streams, their publishers and players, and the logs between them.
//
// A picture flows one way. A [Publisher] writes packets; the stream's timeline repairs their stamps and the
// packet log keeps the newest of them, at least one group of pictures. For each [Format] that somebody reads,
// one [Muxer] turns packets into wire bytes once, into a log of chunks; the fan-out engine writes these to all
// readers, everything that waits for a connection in one system call. A reader is a cursor in a log, never a
// queue: a publisher waits for no one, and a slow reader skips to the newest key frame.
//
// The package opens no socket. Protocol servers bring the connections, using only what is exported here, so
// that a protocol of one's own can do whatever the built-in ones do.
package media
