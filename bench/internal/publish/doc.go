// Package publish sends one clip as many streams at once: the bytes of each protocol are made once, and one goroutine
// writes them to all connections by the clock.
package publish
