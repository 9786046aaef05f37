package config

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Load reads a file. One that does not exist is written first, with all keys, their comments and a random API
// secret, readable by its owner only; created says so.
func Load(path string) (c *Config, created bool, warnings []Warning, err error) {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		if _, err = os.Stat(filepath.Dir(path)); err != nil {
			return nil, false, nil, fmt.Errorf("config: the folder of %s: %w", path, err)
		}
		c = New()
		return c, true, nil, c.WriteFile(path)
	}
	if err != nil {
		return nil, false, nil, fmt.Errorf("config: %w", err)
	}
	defer f.Close()
	c, warnings, err = Parse(f)
	if err != nil {
		return nil, false, warnings, fmt.Errorf("%s: %w", path, err)
	}
	return c, false, warnings, nil
}

// WriteFile writes all values to a file: what it was read from with its comments and the values of today, then
// what that did not have. The file is replaced as a whole or not at all, and keeps its permissions; a new one
// is for its owner only.
func (c *Config) WriteFile(path string) error {
	tmp, err := os.CreateTemp(filepath.Dir(path), ".config-*") // made with mode 0600
	if err != nil {
		return fmt.Errorf("config: %w", err)
	}
	defer os.Remove(tmp.Name()) // it is gone if all went well
	_, err = tmp.WriteString(c.text())
	if info, statErr := os.Stat(path); statErr == nil {
		err = errors.Join(err, tmp.Chmod(info.Mode().Perm()))
	}
	if err = errors.Join(err, tmp.Close()); err == nil {
		err = os.Rename(tmp.Name(), path)
	}
	if err != nil {
		return fmt.Errorf("config: %w", err)
	}
	return nil
}

// text is the file.
func (c *Config) text() string {
	var b strings.Builder
	if c.lines == nil {
		b.WriteString("# Settings of the server. A port of 0 switches a protocol off.\n")
	}
	missing := c.missing()
	section, written := "", map[string]bool{}
	for i, l := range c.lines {
		switch {
		case l.key == "":
			b.WriteString(l.text + "\n")
			if l.section != "" {
				section = l.section
			}
		case !written[l.key]:
			written[l.key] = true
			b.WriteString(within(l.key, section) + "=" + c.values[l.key] + "\n")
		}
		if i+1 == len(c.lines) || c.lines[i+1].section != "" {
			c.writeKeys(&b, section, missing[section])
			delete(missing, section)
		}
	}
	c.writeSections(&b, missing)
	return b.String()
}

// missing returns the keys that the file has not, by section.
func (c *Config) missing() map[string][]string {
	has := map[string]bool{}
	for _, l := range c.lines {
		has[l.key] = true
	}
	missing := map[string][]string{}
	add := func(key string) {
		if !has[key] {
			has[key] = true
			section := sectionOf(key)
			missing[section] = append(missing[section], key)
		}
	}
	for _, k := range c.order {
		add(k.Name)
	}
	var others []string
	for key := range c.values {
		others = append(others, key)
	}
	slices.Sort(others)
	for _, key := range others {
		add(key)
	}
	return missing
}

// writeSections writes whole sections, in the order of Keys and then of the alphabet.
func (c *Config) writeSections(b *strings.Builder, missing map[string][]string) {
	var names []string
	for _, k := range c.order {
		if section := sectionOf(k.Name); !slices.Contains(names, section) {
			names = append(names, section)
		}
	}
	var others []string
	for section := range missing {
		if !slices.Contains(names, section) {
			others = append(others, section)
		}
	}
	slices.Sort(others)
	for _, section := range slices.Concat(names, others) {
		if len(missing[section]) == 0 {
			continue
		}
		b.WriteString("\n[" + section + "]\n")
		c.writeKeys(b, section, missing[section])
	}
}

func (c *Config) writeKeys(b *strings.Builder, section string, keys []string) {
	for _, key := range keys {
		if k, known := c.keys[key]; known && k.Comment != "" {
			b.WriteString("# " + k.Comment + "\n")
		}
		b.WriteString(within(key, section) + "=" + c.values[key] + "\n")
	}
}

// within is the name of a key inside its section.
func within(key, section string) string {
	if section == "" {
		return key
	}
	return strings.TrimPrefix(key, section+".")
}

// sectionOf is the section a key belongs to; "" if it stands in front of all.
func sectionOf(key string) string {
	section, _, ok := strings.Cut(key, ".")
	if !ok {
		return ""
	}
	return section
}
