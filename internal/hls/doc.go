// Package hls keeps the segments of a live stream in memory and writes the playlists of HLS (RFC 8216) and of low-latency
// HLS (its second edition, draft-pantos-hls-rfc8216bis). It knows nothing of HTTP.
package hls
