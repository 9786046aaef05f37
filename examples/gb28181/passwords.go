package main

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/sluice-media/sluice/examples/gb28181/internal/manscdp"
)

// passwords are those of devices.
type passwords map[string]string

// others stands for all devices that have no line of their own.
const others = "*"

// of returns the password of a device.
func (p passwords) of(device string) (password string, known bool) {
	if password, known = p[device]; known {
		return password, true
	}
	password, known = p[others]
	return password, known
}

// readPasswords reads a file of lines "ID PASSWORD". Empty lines and those that begin with # do not count.
func readPasswords(path string) (passwords, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	p := passwords{}
	in := bufio.NewScanner(f)
	for n := 1; in.Scan(); n++ {
		line := strings.TrimSpace(in.Text())
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		id, password, ok := strings.Cut(line, " ")
		if password = strings.TrimSpace(password); !ok || password == "" || id != others && !manscdp.ValidID(id) {
			return nil, fmt.Errorf("%s:%d: the line is none of ID and PASSWORD", path, n)
		}
		p[id] = password
	}
	if len(p) == 0 && in.Err() == nil {
		return nil, errors.New(path + " has no passwords in it: nobody could register")
	}
	return p, in.Err()
}
