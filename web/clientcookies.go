package web

import (
	"net/http"
	"net/url"
	"strings"
	"sync"
)

const (
	// maxJar bounds those that a client keeps, and maxJarCookie the bytes of one.
	maxJar       = 32
	maxJarCookie = 4 << 10
)

// cookies are those of a pull. Other than those of a browser they end with it, and go to the host alone that has set them.
type cookies struct {
	mu   sync.Mutex
	list []hostCookie // oldest first
}

type hostCookie struct {
	host, path, name, value string
}

// SetCookies implements [http.CookieJar].
func (j *cookies) SetCookies(u *url.URL, list []*http.Cookie) {
	j.mu.Lock()
	defer j.mu.Unlock()
	for _, c := range list {
		x := hostCookie{u.Host, c.Path, c.Name, c.Value}
		if len(x.name)+len(x.value)+len(x.path) > maxJarCookie {
			continue
		}
		for i, old := range j.list {
			if old.host == x.host && old.path == x.path && old.name == x.name {
				j.list = append(j.list[:i], j.list[i+1:]...)
				break
			}
		}
		if c.MaxAge < 0 {
			continue
		}
		if len(j.list) == maxJar {
			j.list = append(j.list[:0], j.list[1:]...)
		}
		j.list = append(j.list, x)
	}
}

// Cookies implements [http.CookieJar].
func (j *cookies) Cookies(u *url.URL) (list []*http.Cookie) {
	j.mu.Lock()
	defer j.mu.Unlock()
	for _, c := range j.list {
		if c.host == u.Host && strings.HasPrefix(u.Path, c.path) {
			list = append(list, &http.Cookie{Name: c.name, Value: c.value})
		}
	}
	return list
}
