package sdp

import "strings"

// params returns the parameters of a payload type, or nil. The first of a name counts.
func (s section) params(payloadType uint8) map[string]string {
	var params map[string]string
	for _, value := range s.of("fmtp", payloadType) {
		for part := range strings.SplitSeq(value, ";") {
			for key, value := range parameters(part) {
				if params == nil {
					params = make(map[string]string)
				}
				if _, ok := params[key]; !ok {
					params[key] = value
				}
			}
		}
	}
	return params
}

// parameters yields the parameters between two semicolons. There should be one, but some separate by spaces
// only, while others put spaces into lists.
func parameters(s string) func(yield func(key, value string) bool) {
	return func(yield func(key, value string) bool) {
		key, rest, ok := strings.Cut(s, "=")
		names := strings.Fields(key)
		if !ok || len(names) == 0 {
			return
		}
		key = strings.ToLower(names[len(names)-1])
		var value []byte
		for word := range strings.FieldsSeq(rest) {
			next, start := startsParameter(word)
			if !start || len(value) == 0 || value[len(value)-1] == ',' {
				value = append(value, word...)
				continue
			}
			if !yield(key, string(value)) {
				return
			}
			key, value = strings.ToLower(next), append(value[:0], word[len(next)+1:]...)
		}
		yield(key, string(value))
	}
}

// startsParameter reports whether a word is name=value rather than base64 that ends in its padding.
func startsParameter(word string) (name string, ok bool) {
	name, value, ok := strings.Cut(word, "=")
	if !ok || name == "" || value == "" || value == "=" {
		return "", false
	}
	for i := range len(name) {
		c := name[i] | 0x20
		if (c < 'a' || c > 'z') && (name[i] < '0' || name[i] > '9') && name[i] != '-' && name[i] != '_' {
			return "", false
		}
	}
	return name, true
}
