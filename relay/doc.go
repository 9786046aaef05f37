// Package relay is what supervised pulls, pushes, ffmpeg sources and snapshots are asked and answer with.
//
// It holds these types only: the relay itself is still to come. A host that has one of its own can serve the calls of
// package api by it, see api.Parts. What is named by a key here is supervised: an attempt that fails is followed by
// another, by one rule for all.
package relay
