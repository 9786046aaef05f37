package config

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
)

// minPorts is the least number of ports a [PortRange] has: as many as ZLMediaKit asks for.
const minPorts = 36

// orDefault is the value, or the default for an empty one that must not be empty.
func (k Key) orDefault(value string) string {
	if value == "" && k.Type != String && k.Type != IPRanges {
		return k.Default
	}
	return value
}

// check returns what is wrong with a value. It shows the value only if it should have been a number or an
// address, never a text, which may be secret.
func (k Key) check(value string) error {
	if !k.Type.accepts(value) {
		return fmt.Errorf("%s is %.40q, but must be %s", k.Name, value, k.Type)
	}
	if k.Min == 0 && k.Max == 0 {
		return nil
	}
	if f, err := strconv.ParseFloat(value, 64); err != nil || f < k.Min || f > k.Max {
		return fmt.Errorf("%s is %.40q, but must be from %v to %v", k.Name, value, int64(k.Min), int64(k.Max))
	}
	return nil
}

// accepts reports whether a value is of the type. Any is a String.
func (t Type) accepts(value string) bool {
	var err error
	switch t {
	case Bool:
		_, err = parseBool(value)
	case Int:
		_, err = strconv.ParseInt(value, 10, 64)
	case Uint:
		_, err = strconv.ParseUint(value, 10, 63)
	case Port:
		_, err = strconv.ParseUint(value, 10, 16)
	case Float:
		var f float64
		f, err = strconv.ParseFloat(value, 64)
		return err == nil && f >= 0 && f < 1e15
	case PortRange:
		return isPortRange(value)
	case IP:
		_, err = netip.ParseAddr(value)
	case IPRanges:
		return isIPRanges(value)
	case String:
	}
	return err == nil
}

func parseBool(value string) (bool, error) {
	switch strings.ToLower(value) {
	case "1", "true":
		return true, nil
	case "0", "false":
		return false, nil
	}
	return false, errors.New("config: no boolean")
}

func isPortRange(value string) bool {
	a, b, ok := strings.Cut(value, "-")
	first, err1 := strconv.ParseUint(strings.TrimSpace(a), 10, 16)
	last, err2 := strconv.ParseUint(strings.TrimSpace(b), 10, 16)
	return ok && err1 == nil && err2 == nil && first > 0 && first+minPorts-1 <= last
}

func isIPRanges(value string) bool {
	for part := range strings.SplitSeq(value, ",") {
		if _, ok := parseSpan(part); !ok && strings.TrimSpace(part) != "" {
			return false
		}
	}
	return true
}

// IPFilter returns what tells the addresses of a list of [IPRanges] from others; nil for an empty list, which takes
// all. What is no range in the list takes none.
func IPFilter(list string) func(netip.Addr) bool {
	if strings.Trim(list, ", ") == "" {
		return nil
	}
	var spans []span
	for part := range strings.SplitSeq(list, ",") {
		if s, ok := parseSpan(part); ok {
			spans = append(spans, s)
		}
	}
	return func(addr netip.Addr) bool {
		addr = addr.Unmap().WithZone("")
		return slices.ContainsFunc(spans, func(s span) bool { return s.contains(addr) })
	}
}

// span is the addresses from first to last, of one family.
type span struct{ first, last netip.Addr }

func (s span) contains(addr netip.Addr) bool {
	return addr.BitLen() == s.first.BitLen() && s.first.Compare(addr) <= 0 && addr.Compare(s.last) <= 0
}

// parseSpan reads an address, two with a dash between them, or a network such as 10.0.0.0/8.
func parseSpan(text string) (span, bool) {
	text = strings.TrimSpace(text)
	if strings.Contains(text, "/") {
		p, err := netip.ParsePrefix(text)
		if err != nil {
			return span{}, false
		}
		p = p.Masked()
		return span{p.Addr(), lastOf(p)}, true
	}
	a, b, two := strings.Cut(text, "-")
	if !two {
		b = a
	}
	first, err1 := netip.ParseAddr(strings.TrimSpace(a))
	last, err2 := netip.ParseAddr(strings.TrimSpace(b))
	s := span{first.Unmap(), last.Unmap()}
	return s, err1 == nil && err2 == nil && s.first.BitLen() == s.last.BitLen() && !s.last.Less(s.first)
}

// lastOf is the last address of a network.
func lastOf(p netip.Prefix) netip.Addr {
	b := p.Addr().AsSlice()
	for i := p.Bits(); i < 8*len(b); i++ {
		b[i/8] |= 0x80 >> (i % 8)
	}
	last, _ := netip.AddrFromSlice(b)
	return last
}
