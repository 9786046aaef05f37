// Package api is the control of a media server over HTTP: the /index/api of ZLMediaKit, so that a backend written for it
// works unchanged with what is there.
//
// One table, contract.json, lists every endpoint with its parameters and replies; the router, the check of the
// arguments and the OpenAPI description are all made of it. What an endpoint controls beyond streams and sessions it
// reaches through the small interfaces of this package, in the terms of packages relay, record and gb28181: names,
// defaults and codes of the HTTP API are known to this package alone. While such a part is missing, the endpoint checks
// its arguments and answers code -1, "not enabled".
//
// Replies have HTTP status 200 and a JSON object with "code": 0, or a negative code and "msg". A call that lists streams,
// sessions or the like and finds none leaves "data" out; getMediaPlayerList has an empty list there, and so have lists that
// are members of objects. See docs/compatibility.md for what is answered today.
package api
