package sdp

import "strings"

// ControlURL returns the URL to set a media up with (RFC 2326, C.1.1). base is that of the description,
// session and media are the a=control of both levels. An absolute URL stands for itself, "*" and "" mean what
// is around. A relative one is appended behind a slash, even if there is a query: that is not how RFC 3986, 5
// resolves references, but how servers expect it.
func ControlURL(base string, session, media string) string {
	whole := resolve(base, session)
	switch {
	case absolute(media):
		return media
	case media == "" || media == "*":
		return whole
	case absolute(session):
		return resolve(session, media)
	}
	// A relative control of the session names the aggregate, and says nothing of where the media are.
	return resolve(base, media)
}

func resolve(base, control string) string {
	switch {
	case control == "" || control == "*":
		return base
	case absolute(control):
		return control
	case control[0] == '?': // a query alone belongs to the path that there is
		return base + control
	}
	return strings.TrimRight(base, "/") + "/" + strings.TrimLeft(control, "/")
}

func absolute(control string) bool {
	scheme, _, ok := strings.Cut(control, "://")
	if !ok {
		return false
	}
	return strings.EqualFold(scheme, "rtsp") || strings.EqualFold(scheme, "rtsps") || strings.EqualFold(scheme, "rtspu")
}
