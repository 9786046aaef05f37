// Package receiver is what stands between the RTP packets of a publisher as they arrive and their
// depacketizers: their order, their losses, the reports about them, and their time. It has no goroutine and
// no clock of its own: callers say what time it is.
package receiver
