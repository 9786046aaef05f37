// Package web serves streams over HTTP: FLV, MPEG-TS and fragmented MP4, each as an endless reply and over WebSocket, at the
// URLs (/app/stream.live.flv, .live.ts, .live.mp4) and with the headers that ZLMediaKit's clients expect. A track that a
// container does not carry is missing in it, which the log says once. Where pictures get another size, fragmented MP4 goes on with another
// initialization segment; a reply by HTTP ends where its tracks become others than that, and messages by WebSocket go on.
//
// HLS (RFC 8216) with MPEG-TS is at /app/stream/hls.m3u8, with fragmented MP4 and low latency at hls.fmp4.m3u8. Who watches by
// it is a session from its first playlist until it has asked for nothing for a minute, known by its cookie or, without one, by its
// address, query and connections. Low latency has to be switched on: EnableHLSFMP4 of [hook.StreamOptions]. The multivariant playlist index.m3u8
// of a live stream names one of the two. Segments are made while somebody watches, unless the options of the stream say always.
//
// A plain HTTP/1.1 connection of a stream without an end is taken over and fed by the fan-out engine, and ServeHTTP returns at once: a
// handler around it sees neither status nor bytes nor time, which are in [hook.FlowReportHook]. Behind TLS ordinary writes feed
// it; with HTTP/2, or a ResponseWriter that cannot be taken over, the reply is written and flushed. The reply of a connection
// that was taken over has no length and says "Connection: keep-alive" all the same, as ZLMediaKit's does: its end is that of
// the connection.
//
// [Files] serves the files of a folder beside the streams, and asks hooks about each, as ZLMediaKit does.
//
// /app/stream.snap.mp4 is the newest key picture of a stream, an MP4 of one picture. Who asks for it is a viewer for a moment: each time
// OnPlay decides, OnStreamNotFound may bring the stream, OnFlowReport is told, and the wait for OnStreamNoneReader begins anew.
//
// [Pull] is a client: it plays FLV, MPEG-TS or HLS from another server, and publishes that. [Push] posts a stream as FLV.
//
// What is no stream and no file has 10 s: its request's body, and its reply. Of a file the client has a minute for each 64 KiB.
// The time-outs of the host's http.Server do not hold for streams. A ResponseWriter of the host's own should have an Unwrap method: without deadlines (http.ResponseController) a
// client that does not read is waited for.
package web
