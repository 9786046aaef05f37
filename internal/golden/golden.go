// Package golden compares what we send with captures of the real server, for tests. In a capture, <…> stands for what
// changes from run to run.
package golden

import (
	"fmt"
	"maps"
	"reflect"
	"regexp"
	"slices"
	"strings"
)

// Differ compares a JSON value of a capture with ours, key by key, lists in any order, and returns the first difference;
// "" if there is none.
func Differ(at string, want, got any) string {
	switch want := want.(type) {
	case map[string]any:
		got, ok := got.(map[string]any)
		if !ok {
			return at + " is no object"
		}
		return differObject(at, want, got)
	case []any:
		got, ok := got.([]any)
		if !ok || len(got) != len(want) {
			return fmt.Sprintf("%s is no list of %d", at, len(want))
		}
		return DifferList(at+"[0]", want, got, Differ)
	case string:
		return DifferText(at, want, got)
	}
	if !reflect.DeepEqual(want, got) {
		return fmt.Sprintf("%s is %v, not %v", at, got, want)
	}
	return ""
}

func differObject(at string, want, got map[string]any) string {
	for _, key := range slices.Sorted(maps.Keys(want)) {
		value, ok := got[key]
		if !ok {
			return Join(at, key) + " is missing"
		}
		if d := Differ(Join(at, key), want[key], value); d != "" {
			return d
		}
	}
	for _, key := range slices.Sorted(maps.Keys(got)) {
		if _, ok := want[key]; !ok {
			return Join(at, key) + " is not in the original"
		}
	}
	return ""
}

// DifferList compares lists of the same length in any order, with a function like [Differ] for their elements.
func DifferList(at string, want, got []any, differ func(at string, want, got any) string) string {
	rest := slices.Clone(got)
	for _, w := range want {
		best := ""
		i := slices.IndexFunc(rest, func(g any) bool {
			d := differ(at, w, g)
			if best == "" {
				best = d
			}
			return d == ""
		})
		if i < 0 {
			return best
		}
		rest = slices.Delete(rest, i, i+1)
	}
	return ""
}

// Join names a member.
func Join(at, key string) string { return strings.TrimPrefix(at+"."+key, ".") }

// DifferText compares a text of a capture with a value of ours.
func DifferText(at, want string, got any) string {
	switch want {
	case "<int>", "<port>":
		if f, ok := got.(float64); !ok || f != float64(int64(f)) {
			return fmt.Sprintf("%s is %v, no whole number", at, got)
		}
		return ""
	case "<float>":
		if _, ok := got.(float64); !ok {
			return fmt.Sprintf("%s is %v, no number", at, got)
		}
		return ""
	}
	text, ok := got.(string)
	if !ok {
		return fmt.Sprintf("%s is %v, no text", at, got)
	}
	parts := regexp.MustCompile(`<[^<>]+>`).Split(want, -1)
	for i := range parts {
		parts[i] = regexp.QuoteMeta(parts[i])
	}
	if !regexp.MustCompile(`^(?s:` + strings.Join(parts, ".+") + `)$`).MatchString(text) {
		return fmt.Sprintf("%s is %q, not %q", at, text, want)
	}
	return ""
}
