// Package zlmjson holds the JSON objects that the HTTP API and the web hooks share, with the field names, types and
// units of ZLMediaKit's.
package zlmjson
