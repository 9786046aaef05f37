//go:build !unix

package docroot

// noWait is not needed: there are no pipes among files.
const noWait = 0
