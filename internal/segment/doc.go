// Package segment cuts a stream in a format into the segments of HLS and their parts (RFC 8216 and its second edition), and
// names them. It knows nothing of how they are served or kept: live HLS has them in memory, a recorder writes files.
package segment
