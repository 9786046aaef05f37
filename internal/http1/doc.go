// Package http1 answers simple requests on a connection that has been taken over from an http.Server, by the server's own
// handler: requests that have no body and are wanted often, as those of a viewer by HLS.
//
// net/http watches each connection on a second goroutine while a request is answered, and so wakes a thread several times a
// request. That costs as much as writing half a megabyte does. Here nothing watches, and nothing is kept between requests
// but what the user of the package keeps. Whatever is not simple goes back to the http.Server, byte by byte.
package http1
