// Package fanout carries what one writer produces to any number of readers at the price of the readers'
// system calls and nothing else.
//
// A [Log] is a ring of the newest items with sequence numbers. A reader is a cursor in it, never a queue: the
// memory is the stream's, and a writer never waits for a reader. An [Engine] has one loop per processor.
// Readers of one log form a [Group]; the writer wakes the group, and the loops let every member take what
// waits for it. A [Feed] is the member that writes to a socket: everything that waits goes out in one system
// call, from contiguous memory where it can, without allocating and without taking a lock. A [SinkFeed] is the member
// that gives them to something else, such as a player by UDP, and settles when it has shared a system call with others.
package fanout
