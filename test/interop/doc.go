// Package interop has tests that drive real clients against the server: what they decode must be the pictures
// that were published, one after the other. A client that is missing skips its tests, and fails them in CI.
package interop
