// Package media is the core: streams, their publishers and players, and the logs between them.
//
// A picture flows one way. A [Publisher] writes packets; the stream's timeline repairs their stamps and the
// packet log keeps the newest of them, at least one group of pictures. For each [Format] that somebody reads,
// one [Muxer] turns packets into wire bytes once, into a log of chunks; the fan-out engine writes these to all
// readers, everything that waits for a connection in one system call. A reader is a cursor in a log, never a
// queue: a publisher waits for no one, and a slow reader skips to the newest key frame.
//
// Not every stream is live. An [Opener] is asked for a stream that is not there, and either lets it be published, as a
// pull on demand does, or returns a [Source] for that player alone: a file, a recording. The core reads the source into
// a stream of the player's own, a second ahead of the clock and no further ahead of the player than it can take, so
// that muxers, fan-out and protocols treat it as any other; but nothing is skipped, and the player may pause
// ([Feed.Pause]), seek and change the speed ([Player.Seek], [Player.SetSpeed]). Protocols translate their own commands to
// these, and need not know which kind of stream it is.
//
// What the viewers of a stream have in common besides chunks, such as the segments of HLS, is made by the first and
// kept for a while after the last: [Share].
//
// The package opens no socket. Protocol servers bring the connections, using only what is exported here, so
// that a protocol of one's own can do whatever the built-in ones do.
package media
