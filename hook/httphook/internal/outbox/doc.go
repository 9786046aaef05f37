// Package outbox is a bounded queue of messages on disk, which survives the process.
//
// It is a log in segments: files named by a growing number, of records that are a length, a CRC-32C and the message.
// Another file, position, says up to where messages were taken out; it is written after each, so that a message whose
// taking was not noted comes again, and none is left out. A record that is torn or garbled ends its segment: what
// follows it there cannot be found, and is counted as lost.
package outbox
