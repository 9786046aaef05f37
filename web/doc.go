// Package web serves streams over HTTP: FLV as an endless reply and over WebSocket, at the URLs and with the
// headers that ZLMediaKit's clients expect.
//
// A plain HTTP/1.1 connection is taken over and fed by the fan-out engine. Behind TLS ordinary writes feed
// it; with HTTP/2, or a ResponseWriter that cannot be taken over, the reply is written and flushed.
package web
