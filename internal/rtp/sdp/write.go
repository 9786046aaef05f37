package sdp

import (
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"net/netip"
	"strings"
	"time"

	"github.com/sluice-media/sluice/internal/h26x"
	"github.com/sluice-media/sluice/media"
)

// Append appends a session description (RFC 8866, 5) that offers live media to players. name is that of the
// session. Offers must be of [OfferFor].
func Append(dst []byte, name string, offers []Offer) []byte {
	return appendSpan(dst, name, "now-", offers)
}

// AppendSource appends one that offers media of a length (RFC 2326, C.1.5), 0 if that is not known.
func AppendSource(dst []byte, name string, length time.Duration, offers []Offer) []byte {
	span := "0-"
	if length > 0 {
		span = fmt.Sprintf("0-%.3f", length.Seconds())
	}
	return appendSpan(dst, name, span, offers)
}

func appendSpan(dst []byte, name, span string, offers []Offer) []byte {
	if name = strings.TrimSpace(strings.ToValidUTF8(lineOf(name), "")); name == "" {
		name = "-" // RFC 8866, 5.3: must not be empty
	}
	dst = fmt.Appendf(dst, "v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\ns=%s\r\nc=IN IP4 0.0.0.0\r\nt=0 0\r\n", name)
	dst = append(dst, "a=tool:sluice\r\na=control:*\r\na=range:npt="...)
	dst = append(append(dst, span...), "\r\n"...)
	for _, o := range offers {
		dst = o.append(dst)
	}
	return dst
}

// lineOf returns s without what would end its line.
func lineOf(s string) string {
	return printable(strings.Join(strings.FieldsFunc(s, endsLine), " "))
}

// append writes the media section (RFC 8866, 5.14).
func (o Offer) append(dst []byte) []byte {
	t := o.Track
	m, ok := encodingOf(t)
	kind, params := kindOf(t.Codec), []string{fmtp(t)}
	if t.Codec == media.RawRTP {
		var s section
		s, o.PayloadType, m, ok = rawSection(t.Config)
		kind, _, _ = s.mline()
		params = s.of("fmtp", o.PayloadType)
	}
	if !ok {
		return dst
	}
	m.clock = orElse(o.ClockRate, m.clock)
	dst = fmt.Appendf(dst, "m=%s %d RTP/AVP %d\r\n", kind, o.Port, o.PayloadType)
	if o.Connection != "" {
		dst = fmt.Appendf(dst, "c=IN %s %s\r\n", addressType(o.Connection), lineOf(o.Connection))
	}
	dst = fmt.Appendf(dst, "a=rtpmap:%d %s\r\n", o.PayloadType, m.append(nil))
	for _, p := range params {
		if p != "" {
			dst = fmt.Appendf(dst, "a=fmtp:%d %s\r\n", o.PayloadType, p)
		}
	}
	if o.Control != "" {
		dst = fmt.Appendf(dst, "a=control:%s\r\n", lineOf(o.Control))
	}
	return dst
}

// addressType returns the addrtype of a connection address (RFC 8866, 5.7).
func addressType(connection string) string {
	host, _, _ := strings.Cut(connection, "/")
	if addr, err := netip.ParseAddr(host); err == nil && addr.Is6() {
		return "IP6"
	}
	return "IP4"
}

// fmtp returns the parameters of a track's codec, or "".
func fmtp(t *media.Track) string {
	switch t.Codec {
	case media.H264:
		return fmtpH264(t)
	case media.H265:
		return fmtpH265(t)
	case media.AAC: // RFC 3640, 4.1 and 3.3.6
		return "streamtype=5; profile-level-id=1; mode=AAC-hbr; sizelength=13; indexlength=3; indexdeltalength=3; config=" +
			hex.EncodeToString(configAAC(t))
	case media.Opus: // RFC 7587, 6.1
		if t.Channels == 2 {
			return "sprop-stereo=1"
		}
	case media.AV1: // the payload format of AV1, 7.1; the fields are those of av1C
		if len(t.Config) >= 4 {
			c := t.Config
			return fmt.Sprintf("profile=%d; level-idx=%d; tier=%d", c[1]>>5, c[1]&0x1f, c[2]>>7)
		}
	}
	return ""
}

// fmtpH264 follows RFC 6184, 8.1. Without parameter sets, the stream has them.
func fmtpH264(t *media.Track) string {
	const mode = "packetization-mode=1"
	sets, _, err := h26x.Parse(t.Codec, t.Config)
	if err != nil || len(sets.SPS) == 0 || len(sets.SPS[0]) < 4 {
		return mode
	}
	return fmt.Sprintf("%s; sprop-parameter-sets=%s; profile-level-id=%X", mode,
		base64List(append(sets.SPS[:len(sets.SPS):len(sets.SPS)], sets.PPS...)), sets.SPS[0][1:4])
}

// fmtpH265 follows RFC 7798, 7.1.
func fmtpH265(t *media.Track) string {
	sets, _, err := h26x.Parse(t.Codec, t.Config)
	if err != nil || len(sets.VPS) == 0 || len(sets.SPS) == 0 || len(sets.PPS) == 0 {
		return ""
	}
	return fmt.Sprintf("sprop-vps=%s; sprop-sps=%s; sprop-pps=%s",
		base64List(sets.VPS), base64List(sets.SPS), base64List(sets.PPS))
}

func base64List(units [][]byte) string {
	var list []string
	for _, u := range units {
		list = append(list, base64.StdEncoding.EncodeToString(u))
	}
	return strings.Join(list, ",")
}
