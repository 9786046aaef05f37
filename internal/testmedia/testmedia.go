// Package testmedia holds the small clips of tests and of the demonstration. make.sh says how they were made.
package testmedia

import _ "embed"

//go:embed h264.flv
var h264 []byte

//go:embed h264b.flv
var h264b []byte

//go:embed demo.flv
var demo []byte

//go:embed h265.h265
var h265 []byte

// H264 is an FLV file of 6 s: H.264 320x240 at 25 pictures a second without B-frames, a key frame every 2 s,
// and AAC 44100 Hz mono. It must not be changed.
func H264() []byte { return h264 }

// H264B is the same as H264 with B-frames.
func H264B() []byte { return h264b }

// Demo is an FLV file of 8 s to look at: H.264 640x360, a key frame every second, and AAC 48000 Hz mono. Its picture and
// sound are equally long.
func Demo() []byte { return demo }

// H265 is an elementary stream with start codes of 3 s: H.265 320x240 at 25 pictures a second, with B-frames.
func H265() []byte { return h265 }
