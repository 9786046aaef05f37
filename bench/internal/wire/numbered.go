package wire

import (
	"net/url"
	"strconv"
)

// Numbered returns the URL of stream number i of those that are published side by side at u.
func Numbered(u *url.URL, i int) *url.URL {
	v := *u
	v.Path += "-" + strconv.Itoa(i)
	return &v
}
