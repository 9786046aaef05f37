package manscdp

import (
	"bytes"
	"encoding/xml"
	"strconv"
)

// Bytes returns the body, in GB2312 as the standard has it.
func (m *Message) Bytes() ([]byte, error) { return gbk(m.xml("GB2312")) }

// UTF8 returns the body as newer devices write it.
func (m *Message) UTF8() []byte { return []byte(m.xml("UTF-8")) }

func (m *Message) xml(charset string) string {
	var b bytes.Buffer
	b.WriteString(`<?xml version="1.0" encoding="` + charset + `"?>` + "\r\n<" + m.Kind + ">\r\n")
	element(&b, "CmdType", m.Command)
	element(&b, "SN", strconv.FormatUint(uint64(m.SN), 10))
	element(&b, "DeviceID", m.DeviceID)
	if m.Status != "" {
		element(&b, "Status", m.Status)
	}
	if m.Kind == Response && m.Command == Catalog {
		element(&b, "SumNum", strconv.Itoa(m.Total))
		b.WriteString(`<DeviceList Num="` + strconv.Itoa(len(m.Items)) + `">` + "\r\n")
		for i := range m.Items {
			m.Items[i].xml(&b)
		}
		b.WriteString("</DeviceList>\r\n")
	}
	b.WriteString("</" + m.Kind + ">\r\n")
	return b.String()
}

func (i *Item) xml(b *bytes.Buffer) {
	b.WriteString("<Item>\r\n")
	element(b, "DeviceID", i.ID)
	element(b, "Name", i.Name)
	element(b, "Manufacturer", i.Manufacturer)
	element(b, "Model", i.Model)
	element(b, "Address", i.Address)
	element(b, "Parental", i.Parental)
	element(b, "ParentID", i.ParentID)
	element(b, "Status", i.Status)
	b.WriteString("</Item>\r\n")
}

func element(b *bytes.Buffer, name, text string) {
	b.WriteString("<" + name + ">")
	_ = xml.EscapeText(b, []byte(text)) // a buffer takes everything
	b.WriteString("</" + name + ">\r\n")
}
