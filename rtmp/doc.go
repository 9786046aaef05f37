// Package rtmp publishes and plays streams over RTMP and RTMPS (Adobe's specification 1.0, and Enhanced RTMP
// for the codecs it lacks).
//
// A hook decides before a client is told that anything has started. What players get is byte for byte the
// same for all of them, one chunk size, absolute time stamps, message stream 1, so that it is made once.
package rtmp
