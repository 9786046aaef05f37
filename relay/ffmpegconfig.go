package relay

import (
	"cmp"
	"fmt"
	"net/url"
	"strings"

	"github.com/sluice-media/sluice/media"
)

// FFmpegConfig says how ffmpeg is run for [Relay.RunFFmpeg].
type FFmpegConfig struct {
	// Path of the program. Empty means "ffmpeg", which is looked for where the system does.
	Path string
	// Template is a command line: words with spaces between them, the first of which is %s for the program, and two more of which are %s
	// for source and destination. Each of these becomes one argument, whatever is in it: there is no shell. Empty means one that
	// publishes H.264 and AAC.
	Template string
	// Templates are others, by their names. A request with another name gets Template.
	Templates map[string]string
	// Snapshot is the command line for a picture of a URL, as Template: %s for program, URL and where the picture is written. Options for
	// size, quality and format come before the last. Empty means one for a JPEG.
	Snapshot string
	// Local says which stream of this server a URL names. A destination that is one is waited for, and when it is gone for long ffmpeg is
	// started anew; of a snapshot the picture is in memory. False, or nil, means another server: ffmpeg has succeeded when it has run for
	// the time of the request, and opens for a snapshot what anybody would.
	Local func(u *url.URL) (media.StreamKey, bool)
	// Record records a stream that is there, as the request of its source has asked. Nil records nothing.
	Record func(key media.StreamKey, hls, mp4 bool) error
}

const defaultSnapshotTemplate = "%s -i %s -y -f mjpeg -frames:v 1 -an %s"

const defaultTemplate = "%s -re -i %s -c:a aac -strict -2 -ar 44100 -ab 48k -c:v libx264 -f flv %s"

// template is a command line that was taken apart.
type template []string

// parseTemplate takes a command line apart.
func parseTemplate(text string) (template, error) {
	words := strings.Fields(text)
	places := 0
	for _, w := range words {
		if w == "%s" {
			places++
		} else if strings.Contains(w, "%") {
			return nil, fmt.Errorf("relay: the ffmpeg template has %q: only a word of its own can be %%s", w)
		}
	}
	if places != 3 || words[0] != "%s" {
		return nil, fmt.Errorf("relay: the ffmpeg template %.200q needs %%s for program, source and destination, and to begin with one", text)
	}
	return words, nil
}

// command returns the arguments for a source and a destination. In front of -i is what ffmpeg may read.
func (t template) command(path string, source input, destination string) []string {
	values := []string{path, source.url, destination}
	var args []string
	for _, w := range t {
		if w == "-i" {
			args = append(args, source.options...)
		}
		if w == "%s" {
			w, values = values[0], values[1:]
		}
		args = append(args, w)
	}
	return args
}

// told is the command as people are told it: without what the relay has put in.
func (t template) told(path, source, destination string) string {
	values := []any{path, source, destination}
	return fmt.Sprintf(strings.Join(t, " "), values...)
}

// snapshotTemplate is the one for pictures. It ends with where they are written.
func (c *FFmpegConfig) snapshotTemplate() (template, error) {
	t, err := parseTemplate(cmp.Or(c.Snapshot, defaultSnapshotTemplate))
	if err == nil && t[len(t)-1] != "%s" {
		err = fmt.Errorf("relay: the ffmpeg template %.200q for snapshots does not end with %%s", c.Snapshot)
	}
	if err != nil {
		return nil, fmt.Errorf("FFmpegConfig.Snapshot: %w", err)
	}
	return t, nil
}

// templates are those of a config.
func (c *FFmpegConfig) templates() (map[string]template, error) {
	all := map[string]template{}
	for name, text := range c.Templates {
		t, err := parseTemplate(text)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		all[name] = t
	}
	if c.Template == "" {
		c.Template = defaultTemplate
	}
	t, err := parseTemplate(c.Template)
	all[""] = t
	return all, err
}
