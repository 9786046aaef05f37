package web

import "net/http"

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
