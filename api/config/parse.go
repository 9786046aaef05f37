package config

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
)

// Bounds of a file.
const (
	maxFile = 1 << 20
	maxLine = 64 << 10
)

// sampleSecret is the secret of ZLMediaKit's sample file, which everybody knows.
const sampleSecret = "035c73f7-bb6b-4889-a715-d9eb2d1925cc"

// Warning is something in a file that is taken, but is likely to be a mistake.
type Warning struct {
	// Line counts from 1.
	Line int
	Text string
}

// String returns "line N: …".
func (w Warning) String() string { return fmt.Sprintf("line %d: %s", w.Line, w.Text) }

// Parse reads a config.ini: sections in brackets, key=value where the value is all behind the first "=",
// comments behind "#" or ";" at the start of a line. An unknown key is kept and warned about. The error names
// every value that is not of its key's type, by key and line; it never holds the API secret.
func Parse(r io.Reader) (*Config, []Warning, error) {
	c := New()
	c.lines = nil
	p := parser{config: c}
	scan := bufio.NewScanner(io.LimitReader(r, maxFile+1))
	scan.Buffer(make([]byte, 0, 4096), maxLine)
	read := 0
	for scan.Scan() {
		line := scan.Bytes()
		if read == 0 {
			line = bytes.TrimPrefix(line, []byte("\xef\xbb\xbf"))
		}
		read += len(line) + 1
		if !isText(line) {
			return nil, nil, fmt.Errorf("config: line %d is no text: the file must be UTF-8", p.number+1)
		}
		p.line(strings.ToValidUTF8(string(line), "\uFFFD"))
	}
	switch err := scan.Err(); {
	case errors.Is(err, bufio.ErrTooLong):
		return nil, nil, fmt.Errorf("config: line %d is longer than %d bytes", p.number+1, maxLine)
	case err != nil:
		return nil, nil, fmt.Errorf("config: %w", err)
	case read > maxFile:
		return nil, nil, fmt.Errorf("config: the file is longer than %d bytes", maxFile)
	}
	if err := errors.Join(p.errs...); err != nil {
		return nil, p.warnings, err
	}
	if !p.secret {
		p.warn("api.secret is not set: there is a random one until the next start")
	}
	return c, p.warnings, nil
}

// isText reports whether a line has no control characters but tabs: those of binary files, and of text in UTF-16 or
// UTF-32. Letters of an older encoding, such as in comments, pass.
func isText(line []byte) bool {
	line = bytes.TrimSuffix(line, []byte("\r"))
	return !bytes.ContainsFunc(line, func(r rune) bool { return r < ' ' && r != '\t' || r == 0x7f })
}

type parser struct {
	config   *Config
	section  string
	number   int
	secret   bool // there is a line for api.secret
	warnings []Warning
	errs     []error
}

func (p *parser) line(text string) {
	p.number++
	text = strings.TrimSpace(text)
	entry := fileLine{text: text}
	switch {
	case text == "" || text[0] == '#' || text[0] == ';':
	case text[0] == '[' && strings.HasSuffix(text, "]") && isName(strings.TrimSpace(text[1:len(text)-1])):
		p.section = strings.TrimSpace(text[1 : len(text)-1])
		entry.section = p.section
	default:
		key, value, ok := strings.Cut(text, "=")
		if !ok || !isName(strings.TrimSpace(key)) {
			p.warn("neither a section nor a setting: ignored") // it may be a secret, so it is not shown
			break
		}
		entry.key = p.name(strings.TrimSpace(key))
		p.set(entry.key, strings.TrimSpace(value))
	}
	p.config.lines = append(p.config.lines, entry)
}

// isName reports whether a section or key can be called so.
func isName(s string) bool {
	for _, r := range s {
		switch {
		case 'a' <= r && r <= 'z', 'A' <= r && r <= 'Z', '0' <= r && r <= '9', r == '_', r == '-', r == '.':
		default:
			return false
		}
	}
	return s != ""
}

// name is a key with its section.
func (p *parser) name(key string) string {
	if p.section == "" {
		return key
	}
	return p.section + "." + key
}

func (p *parser) set(name, value string) {
	k, known := p.config.keys[name]
	if !known {
		if !strings.HasPrefix(name, "ffmpeg.cmd") { // further templates have names of their own
			p.warn("unknown key %.80q, did you mean %q?", name, nearest(name, p.config.keys))
		}
		p.config.values[name] = value
		return
	}
	value = k.orDefault(value)
	if err := k.check(value); err != nil {
		p.errs = append(p.errs, fmt.Errorf("config: line %d: %w", p.number, err))
		return
	}
	if name == "api.secret" {
		p.secret = true
		switch value {
		case "":
			p.warn("api.secret is empty: there is a random one until the next start")
			return
		case sampleSecret:
			p.warn("api.secret is that of a sample file, which everybody knows")
		}
	}
	p.config.values[name] = value
}

func (p *parser) warn(format string, args ...any) {
	p.warnings = append(p.warnings, Warning{p.number, fmt.Sprintf(format, args...)})
}
