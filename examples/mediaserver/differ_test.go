package main

import (
	"fmt"
	"maps"
	"math"
	"reflect"
	"slices"
	"strings"

	"github.com/sluice-media/sluice/internal/golden"
)

// differ compares a value of a capture with ours and returns the first difference; "" if there is none.
func differ(name, at string, want, got any) string {
	switch want := want.(type) {
	case map[string]any:
		got, ok := got.(map[string]any)
		if !ok {
			return at + " is no object"
		}
		return differObject(name, at, want, got)
	case []any:
		got, ok := got.([]any)
		if !ok {
			return at + " is no list"
		}
		return differList(name, at, want, got)
	case string:
		return golden.DifferText(at, strings.NewReplacer(":28554/", ":<port>/", ":28935/", ":<port>/").Replace(want), got)
	}
	if reflect.TypeOf(want) != reflect.TypeOf(got) {
		return fmt.Sprintf("%s is %v, not %v", at, got, want)
	}
	if want != got && !isPort(at, want) && !isLength(at, want, got) {
		return fmt.Sprintf("%s is %v, not %v", at, got, want)
	}
	return ""
}

// isLength reports whether a value is how long a file is, which has about as much sound as that of the capture.
func isLength(at string, want, got any) bool {
	a, _ := want.(float64)
	b, _ := got.(float64)
	return at == "data.duration_ms" && math.Abs(a-b) < 50
}

// isPort reports whether a value is a port, which are others here.
func isPort(at string, want any) bool {
	return (strings.HasSuffix(at, "local_port") || strings.HasSuffix(at, "peer_port")) && want != 0.0
}

func differObject(name, at string, want, got map[string]any) string {
	for _, key := range slices.Sorted(maps.Keys(want)) {
		where := golden.Join(at, key)
		value, ok := got[key]
		switch {
		case !ok:
			return where + " is missing"
		case key == "msg", key == "loss", name == "getServerConfig.idle" && at == "data[0]",
			name == "getMediaInfo.readers" && key == "totalReaderCount", otherFilm(name) && key == "gop_size", name == "version.idle" && at == "data":
			if reflect.TypeOf(value) != reflect.TypeOf(want[key]) {
				return where + " is of another type"
			}
			continue
		}
		if d := differ(name, where, want[key], value); d != "" {
			return d
		}
	}
	for _, key := range slices.Sorted(maps.Keys(got)) {
		_, known := want[key]
		// The contract recommends these two besides; the configuration has keys of other builds.
		if !known && key != "online" && key != "result" && name != "getServerConfig.idle" {
			return golden.Join(at, key) + " is not in the original"
		}
	}
	return ""
}

// differList compares lists in any order, of sources only those of schemas that are served.
func differList(name, at string, want, got []any) string {
	switch name {
	case "getThreadsLoad.idle": // as many as processors
		want = slices.Repeat(want[:1], len(got))
		for i := range want {
			want[i] = map[string]any{"delay": "<int>", "fd_count": "<int>", "load": "<int>", "name": "<NAME>"}
		}
	case "getWorkThreadsLoad.idle":
		want = []any{map[string]any{"delay": "<int>", "fd_count": "<int>", "load": "<int>", "name": "<NAME>"}}
	}
	if len(want) > 0 && want[0] == "/index/" { // this version lists what the original has in other builds, and aliases
		got = slices.DeleteFunc(slices.Clone(got), func(g any) bool {
			return !slices.ContainsFunc(want, func(w any) bool { return strings.EqualFold(fmt.Sprint(w), fmt.Sprint(g)) })
		})
		return map[bool]string{false: "paths are missing"}[len(got) == len(want)]
	}
	want = slices.DeleteFunc(slices.Clone(want), notServed)
	if len(want) != len(got) {
		return fmt.Sprintf("%s has %d entries, not %d", at, len(got), len(want))
	}
	return golden.DifferList(at+"[0]", want, got, func(at string, want, got any) string { return differ(name, at, want, got) })
}

// notServed reports whether a value is a source in a schema that is not there yet.
func notServed(v any) bool {
	source, ok := v.(map[string]any)
	schema, has := source["schema"].(string)
	return ok && has && !isServed(schema)
}

// isServed reports whether streams are sources in a schema.
func isServed(schema string) bool {
	return slices.Contains([]string{"rtmp", "rtsp", "ts", "fmp4", "hls", "hls.fmp4"}, schema)
}

// otherFilm reports whether what was sent when something was captured has other groups of pictures than the clip.
func otherFilm(name string) bool {
	return name == "getMediaInfo.mp4_vod" || name == "getMediaInfo.rtp_push" || name == "getMediaList.shared_rtp"
}
