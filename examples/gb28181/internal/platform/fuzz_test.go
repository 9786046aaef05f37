package platform

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/emiago/sipgo/sip"
	"github.com/stretchr/testify/require"

	"github.com/sluice-media/sluice/examples/gb28181/internal/gbsdp"
	"github.com/sluice-media/sluice/examples/gb28181/internal/manscdp"
)

const fuzzDevice = "34020000001320000001"

// answers is a transaction that keeps what it is answered.
type answers struct{ list []*sip.Response }

var _ sip.ServerTransaction = (*answers)(nil)

func (a *answers) Respond(res *sip.Response) error {
	a.list = append(a.list, res)
	return nil
}
func (*answers) Terminate()                         {}
func (*answers) OnTerminate(sip.FnTxTerminate) bool { return false }
func (*answers) Done() <-chan struct{}              { return nil }
func (*answers) Err() error                         { return nil }
func (*answers) Acks() <-chan *sip.Request          { return nil }
func (*answers) OnCancel(sip.FnTxCancel) bool       { return false }

// fuzzed is a platform that has a device, which has been asked for its channels and has a call.
func fuzzed(t testing.TB) (*Platform, *dialog) {
	p, err := New(Config{Password: func(string) (string, bool) { return "secret", true }, MaxChannels: 10})
	require.NoError(t, err)
	at := peer{addr: netip.MustParseAddrPort("127.0.0.1:5060"), transport: "UDP", local: netip.MustParseAddr("127.0.0.1")}
	_, err = p.admit(fuzzDevice, at, 1, time.Now().Add(time.Hour))
	require.NoError(t, err)
	_, _, err = p.beginCollection(fuzzDevice)
	require.NoError(t, err)
	s := &serving{port: 5060}
	req := p.request(s, at, sip.INVITE, "34020000001310000001", gbsdp.ContentType, nil)
	callID := sip.CallIDHeader("call")
	req.AppendHeader(&callID)
	answer := sip.NewResponseFromRequest(req, 200, "OK", nil)
	answer.To().Params.Add("tag", "theirs")
	d := &dialog{
		platform: p, serving: s, device: fuzzDevice, invite: req, answer: answer, callID: "call", tag: "ours",
		ended: make(chan struct{}),
	}
	p.dialogs["call"] = d
	return p, d
}

// FuzzSIP has a platform take whatever a stranger can send: it does not panic, and answers requests at most once.
func FuzzSIP(f *testing.F) {
	const head = "Via: SIP/2.0/UDP 127.0.0.1:5060;rport;branch=z9hG4bK1\r\nFrom: <sip:" + fuzzDevice + "@3402000000>;tag=theirs\r\n" +
		"To: <sip:34020000002000000001@3402000000>;tag=ours\r\nCall-ID: call\r\nMax-Forwards: 70\r\n"
	message := func(start, method, rest, body string) []byte {
		return []byte(start + " SIP/2.0\r\n" + head + "CSeq: 1 " + method + "\r\n" + rest + "\r\n" + body)
	}
	items := (&manscdp.Message{
		Kind: manscdp.Response, Command: manscdp.Catalog, SN: 1, DeviceID: fuzzDevice, Total: 1, Items: []manscdp.Item{{ID: "1", Name: "东门"}},
	}).UTF8()
	f.Add(message("REGISTER sip:a@b", "REGISTER", "Contact: <sip:a@127.0.0.1>;expires=3600\r\n", ""))
	f.Add(message("REGISTER sip:a@b", "REGISTER", `Authorization: Digest username="`+fuzzDevice+`", realm="3402000000", nonce="00", uri="sip:a@b", response="`+
		strings.Repeat("0", 32)+"\"\r\nExpires: 0\r\n", ""))
	f.Add(message("MESSAGE sip:a@b", "MESSAGE", "Content-Type: "+manscdp.ContentType+"\r\n", string(items)))
	f.Add(message("BYE sip:a@b", "BYE", "", ""))
	f.Add(message("INVITE sip:a@b", "INVITE", "Record-Route: <sip:c;lr>\r\nContact: *\r\n", ""))
	f.Add(message("CANCEL sip:a@b", "CANCEL", "Content-Length: 0\r\n", ""))
	f.Add([]byte("SIP/2.0 200 OK\r\n" + head + "CSeq: 1 INVITE\r\nContact: <sip:x@[::1]:9;a=b>\r\nContent-Length: 0\r\n\r\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		// As a stream, in two parts.
		stream := sip.NewParser().NewSIPStream()
		defer stream.Close()
		_ = stream.ParseSIPStream(b[:len(b)/2], func(sip.Message) {})
		_ = stream.ParseSIPStream(b[len(b)/2:], func(sip.Message) {})
		// As a datagram.
		m, err := sip.NewParser().ParseSIP(b)
		if err != nil {
			return
		}
		_, _ = sip.ServerTxKeyMake(m)
		_, _ = sip.ClientTxKeyMake(m)
		m.SetTransport("UDP")
		m.SetSource("127.0.0.1:5060")
		p, d := fuzzed(t)
		if res, ok := m.(*sip.Response); ok {
			if _, err := gbsdp.Parse(res.Body()); err == nil && res.To() != nil {
				d.answer = res
				_ = d.request(sip.ACK, 1, p.devices[fuzzDevice].peer).String()
			}
			return
		}
		req, _ := m.(*sip.Request)
		for _, handle := range []func(*sip.Request, sip.ServerTransaction){p.register, p.message, p.bye, p.invited} {
			var tx answers
			handle(req, &tx)
			require.Len(t, tx.list, 1)
			_ = tx.list[0].String()
		}
		require.LessOrEqual(t, len(p.devices), 1)
	})
}
