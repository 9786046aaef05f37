// Package interop has tests that drive real clients against the server, and have it pull from the servers of others and push
// to them: what is decoded at the end must be the pictures that were published, one after the other. A client that is missing
// skips its tests, and fails them in CI.
package interop
