package shell

import (
	"fmt"
	"slices"
	"strings"

	"github.com/sluice-media/sluice/api/internal/sources"
	"github.com/sluice-media/sluice/media"
)

func mediaOptions() []option {
	return []option{
		{"h", "help", false, "show this"},
		{"k", "kick", false, "close what matches, with its players"},
		{"l", "list", false, "list what matches"},
		{"S", "schema", true, "only this schema, such as rtmp"},
		{"v", "vhost", true, "only this virtual host"},
		{"a", "app", true, "only this app"},
		{"s", "stream", true, "only the stream of this name"},
	}
}

// line is a source as the shell shows it.
func line(x sources.Source) string { return printable(x.Schema + "://" + x.Key().String()) }

// runMedia lists and closes streams.
func (s *Server) runMedia(words []string) (string, error) {
	given, err := parseOptions(mediaOptions(), words)
	if err != nil {
		return "", err
	}
	if _, ok := given["help"]; ok {
		return usage(mediaOptions()), nil
	}
	found := sources.Find(s.media, sources.Filter{
		Schema: given["schema"], VHost: given["vhost"], App: given["app"], Stream: given["stream"],
	})
	slices.SortFunc(found, func(a, b sources.Source) int { return strings.Compare(line(a), line(b)) })
	var b strings.Builder
	if _, ok := given["list"]; ok {
		for _, x := range found {
			fmt.Fprintf(&b, "\t%s\r\n", line(x))
		}
	}
	if _, ok := given["kick"]; ok {
		for _, x := range found {
			x.Kick(media.ErrKicked) // the stream, in all its schemas
			fmt.Fprintf(&b, "\tclosed %s\r\n", line(x))
		}
	}
	return b.String(), nil
}
