package manscdp

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// ErrBadMessage says that a body is none of this package.
var ErrBadMessage = errors.New("manscdp: bad message")

// Parse reads a body in UTF-8, GB2312, GBK or GB18030, whatever its first line says. It does not change it. What it does not
// know it passes over; errors match [ErrBadMessage].
func Parse(body []byte) (*Message, error) {
	if len(body) > MaxBody {
		return nil, fmt.Errorf("%w: %d bytes", ErrBadMessage, len(body))
	}
	p := parser{decoder: xml.NewDecoder(strings.NewReader(text(body)))}
	// Devices write names with a bare & in them.
	p.decoder.Strict = false
	p.decoder.CharsetReader = func(_ string, in io.Reader) (io.Reader, error) { return in, nil }
	for {
		token, err := p.decoder.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err == nil {
			err = p.take(token)
		}
		if err != nil {
			return nil, fmt.Errorf("%w: %w", ErrBadMessage, err)
		}
	}
	if p.message.Command == "" {
		return nil, fmt.Errorf("%w: no CmdType", ErrBadMessage)
	}
	if !ValidID(p.message.DeviceID) {
		return nil, fmt.Errorf("%w: DeviceID %q", ErrBadMessage, p.message.DeviceID)
	}
	return &p.message, nil
}

// parser is where Parse stands.
type parser struct {
	decoder *xml.Decoder
	path    []string // of the elements that are open
	text    strings.Builder
	message Message
	item    Item
}

func (p *parser) take(token xml.Token) error {
	switch t := token.(type) {
	case xml.StartElement:
		if len(p.path) == maxDepth {
			return errors.New("too deep")
		}
		if len(p.path) == 0 {
			if p.message.Kind != "" {
				return errors.New("two roots")
			}
			p.message.Kind = clean(t.Name.Local)
		}
		p.path = append(p.path, t.Name.Local)
		p.text.Reset()
	case xml.CharData:
		if room := 4*maxText - p.text.Len(); len(p.path) > 0 && room > 0 {
			p.text.Write(t[:min(len(t), room)])
		}
	case xml.EndElement:
		if len(p.path) == 0 {
			return errors.New("an end without a beginning")
		}
		err := p.end(clean(p.text.String()))
		p.path = p.path[:len(p.path)-1]
		p.text.Reset()
		return err
	}
	return nil
}

// end takes an element whose text is known.
func (p *parser) end(text string) error {
	name := p.path[len(p.path)-1]
	switch {
	case len(p.path) == 2:
		p.message.set(name, text)
	case len(p.path) == 3 && p.path[1] == "DeviceList" && name == "Item":
		item := p.item
		p.item = Item{}
		if !ValidID(item.ID) {
			return nil
		}
		if len(p.message.Items) == MaxItems {
			return errors.New("too many items")
		}
		p.message.Items = append(p.message.Items, item)
	case len(p.path) == 4 && p.path[1] == "DeviceList" && p.path[2] == "Item":
		p.item.set(name, text)
	}
	return nil
}

func (m *Message) set(name, text string) {
	switch name {
	case "CmdType":
		m.Command = text
	case "SN":
		n, _ := strconv.ParseUint(text, 10, 32) // 0 if it is none
		m.SN = uint32(n)
	case "DeviceID":
		m.DeviceID = text
	case "Status":
		m.Status = text
	case "SumNum":
		n, _ := strconv.ParseUint(text, 10, 31)
		m.Total = int(n)
	}
}

func (i *Item) set(name, text string) {
	switch name {
	case "DeviceID":
		i.ID = text
	case "Name":
		i.Name = text
	case "Manufacturer":
		i.Manufacturer = text
	case "Model":
		i.Model = text
	case "Address":
		i.Address = text
	case "ParentID":
		i.ParentID = text
	case "Parental":
		i.Parental = text
	case "Status":
		i.Status = text
	}
}

// clean returns a text without what cannot be shown, and cut where it is too long.
func clean(s string) string {
	s = strings.Map(func(r rune) rune {
		if r == utf8.RuneError || unicode.IsControl(r) {
			return -1
		}
		return r
	}, strings.TrimSpace(s))
	for len(s) > maxText {
		_, n := utf8.DecodeLastRuneInString(s)
		s = s[:len(s)-n]
	}
	return s
}
