#!/bin/sh
# Makes the clips from ffmpeg's synthetic sources: every picture differs.
set -eu
cd "$(dirname "$0")"
clip() { # name seconds size gop options…
	name=$1 seconds=$2 size=$3 gop=$4
	shift 4
	ffmpeg -v error -y -f lavfi -i "testsrc2=size=$size:rate=25" -f lavfi -i "sine=frequency=440:sample_rate=44100" \
		-t "$seconds" -pix_fmt yuv420p -g "$gop" -keyint_min "$gop" -sc_threshold 0 -fflags +bitexact -flags +bitexact "$@" "$name"
}
clip h264.flv 6 320x240 50 -c:v libx264 -preset veryfast -bf 0 -b:v 250k -maxrate 250k -bufsize 250k -c:a aac -b:a 48k
clip h264b.flv 6 320x240 50 -c:v libx264 -preset veryfast -bf 3 -b:v 250k -maxrate 250k -bufsize 250k -c:a aac -b:a 48k
# 200 pictures are as long as 375 frames of AAC at 48 kHz, so that it can be repeated without a gap.
clip demo.flv 8 640x360 25 -c:v libx264 -preset slow -bf 2 -crf 30 -maxrate 350k -bufsize 350k -c:a aac -b:a 48k -ar 48000 -frames:a 375
clip h265.h265 3 320x240 25 -an -c:v libx265 -preset veryfast -b:v 200k -x265-params log-level=error:bframes=3 -f hevc
