package web

import (
	"net/http"
	"net/url"
	"strings"
	"time"
)

// maxCookies is how many cookies of the name are looked at: browsers have one of each path that a request is in.
const maxCookies = 8

// cookiesOf returns what may be cookies of viewers, or of verdicts on files, in a request: the first of them. It is called without
// locks, as a request has room for thousands.
func cookiesOf(r *http.Request) (list []string) {
	for _, c := range r.CookiesNamed(cookieName) {
		if len(c.Value) == cookieSize && len(list) < maxCookies {
			list = append(list, c.Value)
		}
	}
	return list
}

// addCookie gives a client a cookie for a folder, by a path as it stands in URLs: browsers compare that, and a semicolon in it would
// begin something else.
func addCookie(head http.Header, cookie, folder string, until time.Time) {
	path := (&url.URL{Path: folder}).EscapedPath()
	path = strings.ReplaceAll(strings.ReplaceAll(path, ";", "%3B"), ",", "%2C")
	head.Add("Set-Cookie", cookieName+"="+cookie+";expires="+until.UTC().Format(http.TimeFormat)+";path="+path)
}
