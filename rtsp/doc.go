// Package rtsp serves RTSP 1.0 (RFC 2326) and RTSPS: publishing and playing over interleaved TCP, UDP, UDP
// multicast and the HTTP tunnel, with RTP (RFC 3550) packetised once for all players of a stream.
package rtsp
