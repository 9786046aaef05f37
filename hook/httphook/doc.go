// Package httphook sends the events of package hook to a web server, as ZLMediaKit's web hooks: a backend written for
// those works unchanged.
//
// Each event is one POST of a JSON object to the URL that is set for it. A reply counts if its status is 200 and its
// body a JSON object with a whole number code: 0 admits, another refuses for good. What fails otherwise (no connection,
// no answer in time, another status, another body) is tried again, and refuses a decision in the end; an observation
// that fails is logged. An event without a URL is left to other hooks and to the defaults of the server.
//
// Beyond ZLMediaKit: certificates are verified, replies are bounded, redirects stay on the host, requests can be signed
// ([Config.Key], [Verify]), and observations can survive an outage of the backend ([Config.Outbox]).
package httphook
