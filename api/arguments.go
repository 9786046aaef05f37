package api

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/sluice-media/sluice/hook"
	"github.com/sluice-media/sluice/media"
)

// arguments are those of a call: the body's, over which go the query's. What has no value in either is looked for
// in the header.
type arguments struct {
	values map[string]string // by name in lower case
	names  map[string]string // as they were written
	header http.Header
}

// parseArguments collects the arguments of a request whose body was read. nested keeps arrays and objects as JSON.
func parseArguments(r *http.Request, body []byte, nested bool) arguments {
	a := arguments{values: map[string]string{}, names: map[string]string{}, header: r.Header}
	switch kind := r.Header.Get("Content-Type"); {
	case strings.HasPrefix(kind, "application/x-www-form-urlencoded"):
		a.addQuery(string(body))
	case strings.HasPrefix(kind, "application/json"):
		a.addJSON(body, nested)
	}
	a.addQuery(r.URL.RawQuery)
	return a
}

func (a *arguments) set(name, value string) {
	lower := strings.ToLower(name)
	a.values[lower], a.names[lower] = strings.TrimSpace(value), name
}

// maxArguments bounds how many are taken, in the order in which they stand.
const maxArguments = 512

func (a *arguments) addQuery(query string) {
	n := 0
	for pair := range strings.SplitSeq(query, "&") {
		name, value, _ := strings.Cut(pair, "=")
		if n++; name == "" || n > maxArguments {
			continue
		}
		if text, err := url.QueryUnescape(value); err == nil {
			value = text
		}
		a.set(name, value)
	}
}

// addJSON takes the members of an object, in the order of their names and as text. As in the original an array or
// object ends that, unless nested keeps it.
func (a *arguments) addJSON(body []byte, nested bool) {
	var object map[string]json.RawMessage
	if json.Unmarshal(body, &object) != nil {
		return
	}
	names := make([]string, 0, len(object))
	for name := range object {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names[:min(len(names), maxArguments)] {
		text, ok := scalar(object[name])
		if !ok && !nested {
			return
		}
		a.set(name, text)
	}
}

// scalar is the text of a JSON value; of an array or object it is the JSON itself, and ok is false.
func scalar(raw json.RawMessage) (text string, ok bool) {
	raw = bytes.TrimSpace(raw)
	switch {
	case len(raw) == 0, string(raw) == "null":
		return "", true
	case raw[0] == '"':
		_ = json.Unmarshal(raw, &text) // it is part of what was parsed already
		return text, true
	case raw[0] == '{', raw[0] == '[':
		return string(raw), false
	}
	return string(raw), true
}

// get returns the text of an argument, "" if it has none.
func (a *arguments) get(name string) string {
	if v := a.values[strings.ToLower(name)]; v != "" {
		return v
	}
	return a.header.Get(name)
}

// has reports whether an argument is given, be it empty.
func (a *arguments) has(name string) bool {
	_, ok := a.values[strings.ToLower(name)]
	return ok || len(a.header.Values(name)) > 0
}

// or returns the text of an argument, or what it is when it is not given.
func (a *arguments) or(name, otherwise string) string {
	if v := a.get(name); v != "" {
		return v
	}
	return otherwise
}

// int returns the number an argument begins with; 0 for garbage and for what does not fit. true is 1.
func (a *arguments) int(name string) int64 {
	text := a.get(name)
	if strings.EqualFold(text, "true") {
		return 1
	}
	n, _ := strconv.ParseInt(leadingNumber(text, "+-0123456789"), 10, 64)
	if n == 1<<63-1 || n == -1<<63 {
		return 0
	}
	return n
}

// uint is int for what is not negative and at most limit; 0 for the rest.
func (a *arguments) uint(name string, limit uint64) uint64 {
	if n := a.int(name); n >= 0 && uint64(n) <= limit {
		return uint64(n)
	}
	return 0
}

// float returns the number an argument begins with; 0 for garbage.
func (a *arguments) float(name string) float64 {
	f, _ := strconv.ParseFloat(leadingNumber(a.get(name), "+-0123456789."), 64)
	return f
}

// leadingNumber is the part of text that consists of the allowed characters, signs in front only.
func leadingNumber(text, allowed string) string {
	text = strings.TrimSpace(text)
	for i, c := range text {
		if !strings.ContainsRune(allowed, c) || i > 0 && (c == '+' || c == '-') {
			return text[:i]
		}
	}
	return text
}

// bool returns whether an argument is true: the word in any case, or a number that is not 0.
func (a *arguments) bool(name string) bool {
	return strings.EqualFold(a.get(name), "true") || a.int(name) != 0
}

// key is the stream that the arguments name. While virtual hosts are off, each is the default one.
func (h *Handler) key(a *arguments) media.StreamKey {
	vhost := a.or("vhost", hook.DefaultVHost)
	if !h.options().EnableVHost {
		vhost = hook.DefaultVHost
	}
	return media.StreamKey{VHost: vhost, App: a.get("app"), Name: a.get("stream")}
}
