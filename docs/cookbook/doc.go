// Package cookbook holds the code of docs/cookbook.md, so that it is compiled and tested. It is to be copied from, not
// imported.
package cookbook
