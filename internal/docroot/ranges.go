package docroot

import (
	"net/http"
	"strings"
)

const (
	// maxRanges bounds how many ranges of a file are sent at once.
	maxRanges = 16
	// noFile is a position that no file has, in as many digits as a number may have for net/http.
	noFile = "999999999999999999"
)

// withRanges returns the request with a Range header only if it is one to heed: of GET and in bytes, the only unit here
// (RFC 9110, 14.2), and of not too many ranges, which a server may ignore. Whoever asks for what is no range at all is told so.
func withRanges(r *http.Request) *http.Request {
	header := r.Header.Get("Range")
	if header == "" {
		return r
	}
	unit, set, ok := strings.Cut(header, "=")
	other := *r
	other.Header = r.Header.Clone()
	other.Header.Del("Range")
	if r.Method == http.MethodGet && ok && strings.EqualFold(strings.TrimSpace(unit), "bytes") && strings.Count(set, ",") < maxRanges {
		other.Header.Set("Range", "bytes="+plainRanges(set))
	}
	return &other
}

// plainRanges rewrites what net/http does not take as it is meant: numbers of any length, and the last 0 bytes, which nobody can
// have.
func plainRanges(set string) string {
	specs := strings.Split(set, ",")
	for i, spec := range specs {
		first, last, ok := strings.Cut(strings.TrimSpace(spec), "-")
		first, last = strings.TrimSpace(first), strings.TrimSpace(last)
		switch {
		case !ok || !isDigits(first) || !isDigits(last):
		case first == "" && last != "" && strings.Trim(last, "0") == "":
			specs[i] = noFile + "-"
		default:
			specs[i] = bounded(first) + "-" + bounded(last)
		}
	}
	return strings.Join(specs, ",")
}

func isDigits(s string) bool { return strings.Trim(s, "0123456789") == "" }

// bounded is a number, or one that is as good.
func bounded(digits string) string {
	short := strings.TrimLeft(digits, "0")
	switch {
	case len(short) > len(noFile):
		return noFile
	case short == "" && digits != "":
		return "0"
	}
	return short
}
