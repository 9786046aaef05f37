package shell

import (
	"errors"
	"fmt"
	"strings"
	"unicode"
)

// errQuit ends a session whose user wants to leave.
var errQuit = errors.New("shell: the user leaves")

// command is what a line can begin with.
type command struct {
	name, text string
	// run returns what to show, which ends with an end of line if there is anything.
	run func(words []string) (string, error)
}

// commands are all of them, in the order of the alphabet.
func (s *Server) commands() []command {
	quit := func([]string) (string, error) { return "", errQuit }
	return []command{
		{"clear", "clear the screen", func([]string) (string, error) { return "\x1b[2J\x1b[H", nil }},
		{"exit", "leave", quit},
		{"help", "list the commands", func([]string) (string, error) { return s.help(), nil }},
		{"media", "list streams, or close them; -h shows how", s.runMedia},
		{"quit", "leave", quit},
	}
}

// execute runs a line. Only what ends the session is an error.
func (s *Server) execute(line string) (string, error) {
	words := strings.Fields(line)
	if len(words) == 0 {
		return "", nil
	}
	for _, c := range s.commands() {
		if c.name != words[0] {
			continue
		}
		text, err := c.run(words[1:])
		if errors.Is(err, errOption) {
			return "  " + err.Error() + "\r\n", nil
		}
		return text, err
	}
	return fmt.Sprintf("  no command %q; help lists them\r\n", words[0]), nil
}

func (s *Server) help() string {
	var b strings.Builder
	for _, c := range s.commands() {
		fmt.Fprintf(&b, "  %-5s  %s\r\n", c.name, c.text)
	}
	return b.String()
}

// printable replaces what a terminal would act on: names of streams are anybody's.
func printable(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return '?'
	}, text)
}
