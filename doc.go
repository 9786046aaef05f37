// Package sluice is a map of the module; it has no code.
//
//	hook           what a host service implements to decide and to be told
//	hook/httphook  the same as web hooks of ZLMediaKit
//	media          the core: streams, publishers, players, the logs between them
//	rtmp           publish and play by RTMP and RTMPS
//	rtsp           publish, play, pull and push by RTSP and RTSPS
//	web            play by HTTP and WebSocket: FLV, MPEG-TS, fMP4, HLS; as an http.Handler; files
//	record         record streams, list what was recorded, and play it back
//	record/s3      finished recordings in an object store; a module of its own
//	relay          pull streams from other servers and push to them, without end or on demand; ffmpeg for the rest; snapshots
//	gb28181        receives and sends streams by RTP without a session, as devices of GB/T 28181 do
//	api            the HTTP API of ZLMediaKit, as an http.Handler
//	api/config     config.ini with the keys of ZLMediaKit
//	api/metrics    figures for Prometheus
//	api/shell      the telnet shell
//	docs/cookbook  answers in Go to what one asks first, for docs/cookbook.md
//	examples       embed, authhook, customsource, recorder, and mediaserver, the complete server;
//	               gb28181, a platform for cameras, is a module of its own
//	bench          load generator, floor and report
//	test/interop   tests with real clients
//
// What nobody outside needs is in internal: fanout carries chunks to connections, flv and amf are the formats
// that RTMP and FLV share, rtp has what RTP needs on both ways, mp4 reads files and finishes
// recordings, testmedia has the clips of the tests.
package sluice
