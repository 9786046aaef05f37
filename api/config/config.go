package config

import (
	"crypto/rand"
	"fmt"
	"maps"
	"strconv"
	"strings"
	"time"
)

// Config holds the value of every known key, and the unknown ones of a file. It is not safe for concurrent
// use.
type Config struct {
	keys   map[string]Key
	order  []Key
	values map[string]string
	lines  []fileLine // of the file it was read from
}

// fileLine is a line of a file: a section, a key, or what is neither.
type fileLine struct{ text, section, key string }

// New returns the defaults, with a random API secret of 32 characters and a random server id of 16.
func New() *Config {
	c := &Config{keys: map[string]Key{}, order: Keys(), values: map[string]string{}}
	for _, k := range c.order {
		c.keys[k.Name] = k
		c.values[k.Name] = k.Default
	}
	c.values["api.secret"] = (rand.Text() + rand.Text())[:32]
	c.values["general.mediaServerId"] = rand.Text()[:16]
	return c
}

// String returns a value as it stands in the file; "" for a key that does not exist.
func (c *Config) String(key string) string { return c.values[key] }

// Int returns a whole number; 0 for what is none.
func (c *Config) Int(key string) int {
	n, _ := strconv.Atoi(c.values[key]) // known keys were checked
	return n
}

// Bool returns a boolean; false for what is none.
func (c *Config) Bool(key string) bool {
	b, _ := parseBool(c.values[key])
	return b
}

// Float returns a number; 0 for what is none.
func (c *Config) Float(key string) float64 {
	f, _ := strconv.ParseFloat(c.values[key], 64)
	return f
}

// Duration returns a time, by the unit of its key.
func (c *Config) Duration(key string) time.Duration {
	d := c.Float(key) * float64(c.keys[key].Unit)
	return time.Duration(min(max(d, -1<<62), 1<<62))
}

// Set changes a value; an empty one of a number, port or address means the default. It fails if the key is known and
// the value is not of its type.
func (c *Config) Set(key, value string) error {
	if !isName(key) || strings.ContainsAny(value, "\r\n") || !isText([]byte(value)) {
		return fmt.Errorf("config: %q: a name that is none, or a line break or control character in the value", key)
	}
	value = strings.TrimSpace(value)
	if k, known := c.keys[key]; known {
		value = k.orDefault(value)
		if err := k.check(value); err != nil {
			return fmt.Errorf("config: %w", err)
		}
	}
	c.values[key] = value
	return nil
}

// All returns all values by key.
func (c *Config) All() map[string]string { return maps.Clone(c.values) }
