package shell

import (
	"errors"
	"fmt"
	"strings"
)

// option is one that a command takes, written as for getopt_long: -S rtsp, -Srtsp, --schema rtsp, --schema=rtsp.
type option struct {
	short, long string
	value       bool // takes one
	text        string
}

var errOption = errors.New("no such option, or its value is missing; -h shows all")

// parseOptions returns the options that are given, by their long names. What is no option is passed over.
func parseOptions(known []option, words []string) (map[string]string, error) {
	given := map[string]string{}
	for len(words) > 0 {
		word := words[0]
		words = words[1:]
		var err error
		switch {
		case word == "--":
			return given, nil
		case strings.HasPrefix(word, "--"):
			words, err = parseLong(known, word[2:], words, given)
		case len(word) > 1 && word[0] == '-':
			words, err = parseShort(known, word[1:], words, given)
		}
		if err != nil {
			return nil, err
		}
	}
	return given, nil
}

// parseLong parses a word without its dashes, and returns the words that remain.
func parseLong(known []option, word string, words []string, given map[string]string) ([]string, error) {
	name, value, has := strings.Cut(word, "=")
	for _, o := range known {
		switch {
		case o.long != name:
		case !o.value && !has, o.value && has:
			given[o.long] = value
			return words, nil
		case o.value && len(words) > 0:
			given[o.long] = words[0]
			return words[1:], nil
		}
	}
	return nil, errOption
}

// parseShort parses a word of one letter or more without its dash, of which the last may have a value.
func parseShort(known []option, word string, words []string, given map[string]string) ([]string, error) {
	for word != "" {
		o, ok := shortOption(known, word[:1])
		word = word[1:]
		switch {
		case !ok:
			return nil, errOption
		case !o.value:
			given[o.long] = ""
		case word != "":
			given[o.long] = word
			return words, nil
		case len(words) > 0:
			given[o.long] = words[0]
			return words[1:], nil
		default:
			return nil, errOption
		}
	}
	return words, nil
}

func shortOption(known []option, letter string) (option, bool) {
	for _, o := range known {
		if o.short == letter {
			return o, true
		}
	}
	return option{}, false
}

// usage lists options, a line each.
func usage(known []option) string {
	var b strings.Builder
	for _, o := range known {
		name := o.long
		if o.value {
			name += " VALUE"
		}
		fmt.Fprintf(&b, "  -%s  --%-13s  %s\r\n", o.short, name, o.text)
	}
	return b.String()
}
