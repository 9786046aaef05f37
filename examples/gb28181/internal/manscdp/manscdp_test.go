package manscdp_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/text/encoding/simplifiedchinese"

	"github.com/sluice-media/sluice/examples/gb28181/internal/manscdp"
)

func catalog() *manscdp.Message {
	return &manscdp.Message{
		Kind: manscdp.Response, Command: manscdp.Catalog, SN: 7, DeviceID: "34020000001320000001", Total: 2,
		Items: []manscdp.Item{
			{ID: "34020000001310000001", Name: "东门 & <一>号", Manufacturer: "联通", Status: "ON", Parental: "0"},
			{ID: "34020000001310000002", Name: "Gate", Model: "M1", Address: "a", ParentID: "34020000001320000001", Status: "OFF"},
		},
	}
}

func TestRoundTrip(t *testing.T) {
	want := catalog()
	body, err := want.Bytes()
	require.NoError(t, err)
	require.False(t, bytes.Contains(body, []byte("东门")), "it is not in GB2312")
	for _, b := range [][]byte{body, want.UTF8()} {
		got, err := manscdp.Parse(b)
		require.NoError(t, err)
		require.Equal(t, want, got)
	}
}

// What GB2312 has not is written as a reference.
func TestCharactersThatGBKHasNot(t *testing.T) {
	want := catalog()
	want.Items[0].Name = "门 \U0001f3a5"
	body, err := want.Bytes()
	require.NoError(t, err)
	got, err := manscdp.Parse(body)
	require.NoError(t, err)
	require.Equal(t, want.Items[0].Name, got.Items[0].Name)
}

func TestDialects(t *testing.T) {
	gb := func(s string) []byte {
		b, err := simplifiedchinese.GB18030.NewEncoder().Bytes([]byte(s))
		require.NoError(t, err)
		return b
	}
	const rest = `<Response><CmdType>Catalog</CmdType><SN>1</SN><DeviceID>1</DeviceID><SumNum>1</SumNum>
		<DeviceList Num="1"><Item><DeviceID>2</DeviceID><Name>大厅</Name></Item></DeviceList></Response>`
	for name, body := range map[string][]byte{
		"GB2312":                       gb(`<?xml version="1.0" encoding="GB2312"?>` + rest),
		"GBK in lower case":            gb(`<?xml version='1.0' encoding='gbk' standalone='yes' ?>` + rest),
		"GB18030":                      gb(`<?xml version="1.0" encoding="GB18030"?>` + rest),
		"nothing said, GBK":            gb(rest),
		"nothing said, UTF-8":          []byte(rest),
		"UTF-8":                        []byte(`<?xml version="1.0" encoding="utf-8"?>` + rest),
		"UTF-8 that says it is GB2312": []byte(`<?xml version="1.0" encoding="GB2312"?>` + rest),
		"GBK that says it is UTF-8":    gb(`<?xml version="1.0" encoding="UTF-8"?>` + rest),
		"a space in front":             []byte("\r\n " + rest + "\r\n\x00"),
		"more than is known": []byte(strings.Replace(rest, "<Name>",
			"<Info><PTZType>1</PTZType><DeviceID>9</DeviceID></Info><Name>", 1)),
	} {
		m, err := manscdp.Parse(body)
		require.NoError(t, err, name)
		require.Equal(t, []manscdp.Item{{ID: "2", Name: "大厅"}}, m.Items, name)
	}
	// A name that is UTF-8 by accident is GBK all the same.
	m, err := manscdp.Parse(gb(strings.Replace(rest, "大厅", "联通", 1)))
	require.NoError(t, err)
	require.Equal(t, "联通", m.Items[0].Name)
	// A bare ampersand.
	m, err = manscdp.Parse([]byte(strings.Replace(rest, "大厅", "A & B", 1)))
	require.NoError(t, err)
	require.Equal(t, "A & B", m.Items[0].Name)
}

func TestBadMessages(t *testing.T) {
	good := string(catalog().UTF8())
	item := "<Item><DeviceID>1</DeviceID></Item>"
	for name, body := range map[string]string{
		"empty":           "",
		"no XML":          "hello",
		"cut":             good[:len(good)/2],
		"no command":      "<Notify><DeviceID>1</DeviceID></Notify>",
		"no device":       "<Notify><CmdType>Keepalive</CmdType></Notify>",
		"a path as an ID": "<Notify><CmdType>Keepalive</CmdType><DeviceID>../1</DeviceID></Notify>",
		"two roots":       "<Notify><CmdType>K</CmdType><DeviceID>1</DeviceID></Notify><Notify></Notify>",
		"deep":            strings.Repeat("<a>", 17) + strings.Repeat("</a>", 17),
		"long":            strings.Repeat(" ", manscdp.MaxBody) + good,
		"many items": "<R><CmdType>Catalog</CmdType><DeviceID>1</DeviceID><DeviceList>" +
			strings.Repeat(item, manscdp.MaxItems+1) + "</DeviceList></R>",
	} {
		_, err := manscdp.Parse([]byte(body))
		require.ErrorIs(t, err, manscdp.ErrBadMessage, name)
	}
	long := strings.Replace(good, "Gate", strings.Repeat("门", 5000), 1)
	m, err := manscdp.Parse([]byte(long))
	require.NoError(t, err)
	require.Equal(t, strings.Repeat("门", 85), m.Items[1].Name)
	m, err = manscdp.Parse([]byte(strings.Replace(good, "34020000001310000001", "a/b", 1)))
	require.NoError(t, err)
	require.Len(t, m.Items, 1)
}

func FuzzParse(f *testing.F) {
	body, err := catalog().Bytes()
	require.NoError(f, err)
	f.Add(body)
	f.Add(catalog().UTF8())
	f.Add([]byte("<Notify><CmdType>Keepalive</CmdType><SN>1</SN><DeviceID>1</DeviceID><Status>OK</Status></Notify>"))
	f.Add([]byte("<a b='c'><![CDATA[x]]><!-- y --><?z?></a>"))
	f.Fuzz(func(t *testing.T, b []byte) {
		m, err := manscdp.Parse(b)
		if err != nil {
			require.ErrorIs(t, err, manscdp.ErrBadMessage)
			return
		}
		require.LessOrEqual(t, len(m.Items), manscdp.MaxItems)
		// What was read can be written and read again, if its kind is one that is written.
		m.Kind = manscdp.Response
		m.Command = manscdp.Catalog
		again, err := manscdp.Parse(m.UTF8())
		require.NoError(t, err)
		require.Equal(t, len(m.Items), len(again.Items))
		for i := range m.Items {
			require.Equal(t, m.Items[i].ID, again.Items[i].ID)
		}
	})
}
