package publish

import (
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/url"
	"strings"

	"github.com/sluice-media/sluice/bench/internal/wire"
)

const (
	maxPayload  = 1400
	videoClock  = 90000
	frameHead   = 4 // of RFC 2326 section 10.12
	rtpHead     = 12
	videoType   = 96 // RTP payload types
	audioType   = 97
	sourceBase  = 0x51C0DE00 // SSRC of the video; the audio's is one more
	fragmentNAL = 28         // FU-A, RFC 6184 section 5.8
)

// packet is one RTP packet of the clip, as it is in the first pass.
type packet struct {
	at    int // where its interleaved frame begins in the data
	track int
	seq   uint16
	stamp uint32
}

// rtpClip makes the packets.
type rtpClip struct {
	form    *form
	packets []packet
	clocks  [2]int    // RTP timestamps per second of video and audio
	counts  [2]uint16 // packets of a pass, up to multiples of 65536
	ticks   [2]uint32 // timestamps a pass takes
}

// rtspForm makes the clip's interleaved frames. Before each step is sent, renew sets sequence numbers and timestamps to
// those of the pass: the kernel has copied what other streams were given.
func rtspForm(c *clip) (*form, error) {
	sets, err := parameterSets(c.video)
	if err != nil {
		return nil, err
	}
	rate, err := sampleRate(c.audio)
	if err != nil {
		return nil, err
	}
	r := &rtpClip{form: &form{length: c.length}, clocks: [2]int{videoClock, rate}}
	for _, m := range c.frames {
		if err := r.add(m, sets); err != nil {
			return nil, err
		}
	}
	r.form.stretch(len(r.packets))
	for i, clock := range r.clocks {
		r.ticks[i] = uint32(c.length.Milliseconds() * int64(clock) / 1000)
	}
	r.form.renew = r.renew
	sdp, tracks := c.sdp(sets, rate)
	r.form.greet = func(rw io.ReadWriter, u *url.URL) error {
		return wire.RecordRTSP(rw, u, fmt.Sprintf(sdp, u.Hostname()), tracks)
	}
	return r.form, nil
}

func (r *rtpClip) add(m frame, sets [][]byte) error {
	if !m.video {
		size := len(m.body) - 2
		head := []byte{0, 16, byte(size >> 5), byte(size << 3)} // one AU header of 13 and 3 bits, RFC 3640 section 3.2.1
		r.append(1, m.at, true, head, m.body[2:])
		return nil
	}
	units, err := m.units()
	if err != nil {
		return err
	}
	if m.key {
		units = append(append([][]byte{}, sets...), units...)
	}
	for i, unit := range units {
		r.unit(m.at, unit, i == len(units)-1)
	}
	r.form.close(m.at, len(r.packets))
	return nil
}

// unit sends a NAL unit whole, or in fragments.
func (r *rtpClip) unit(at uint32, unit []byte, last bool) {
	if len(unit) <= maxPayload {
		r.append(0, at, last, nil, unit)
		return
	}
	indicator, kind := unit[0]&0xE0|fragmentNAL, unit[0]&0x1F
	begin := byte(0x80)
	for rest := unit[1:]; len(rest) > 0; {
		n := min(len(rest), maxPayload-2)
		end := byte(0)
		if n == len(rest) {
			end = 0x40
		}
		r.append(0, at, last && end != 0, []byte{indicator, begin | end | kind}, rest[:n])
		rest, begin = rest[n:], 0
	}
}

// append adds a packet of head and body.
func (r *rtpClip) append(track int, at uint32, marker bool, head, body []byte) {
	p := packet{at: len(r.form.data), track: track, seq: r.counts[track], stamp: uint32(uint64(at) * uint64(r.clocks[track]) / 1000)}
	r.counts[track]++
	r.packets = append(r.packets, p)
	kind := byte(videoType + track)
	if marker {
		kind |= 0x80
	}
	b := append(r.form.data, '$', byte(2*track))
	b = binary.BigEndian.AppendUint16(b, uint16(rtpHead+len(head)+len(body)))
	b = append(b, 0x80, kind)
	b = binary.BigEndian.AppendUint16(b, p.seq)
	b = binary.BigEndian.AppendUint32(b, p.stamp)
	b = binary.BigEndian.AppendUint32(b, uint32(sourceBase+track))
	r.form.data = append(append(b, head...), body...)
}

func (r *rtpClip) renew(s step, pass uint32) {
	for _, p := range r.packets[s.first : s.first+s.n] {
		b := r.form.data[p.at+frameHead:]
		binary.BigEndian.PutUint16(b[2:], p.seq+uint16(pass)*r.counts[p.track])
		binary.BigEndian.PutUint32(b[4:], p.stamp+pass*r.ticks[p.track])
	}
}

// parameterSets returns SPS and PPS of a sequence header, ISO/IEC 14496-15 section 5.3.3.1.
func parameterSets(header []byte) ([][]byte, error) {
	cut := errors.New("publish: the decoder configuration is cut short")
	if len(header) < 12 {
		return nil, cut
	}
	var sets [][]byte
	b := header[10:] // behind the FLV head of 5 bytes and 5 of the record
	for _, mask := range [2]byte{0x1F, 0xFF} {
		if len(b) == 0 {
			return nil, cut
		}
		count := b[0] & mask
		b = b[1:]
		for range count {
			if len(b) < 2 || len(b) < 2+int(binary.BigEndian.Uint16(b)) {
				return nil, cut
			}
			n := int(binary.BigEndian.Uint16(b))
			sets = append(sets, b[2:2+n])
			b = b[2+n:]
		}
	}
	return sets, nil
}

// sampleRate reads the rate out of an AudioSpecificConfig, ISO/IEC 14496-3 section 1.6.2.1.
func sampleRate(header []byte) (int, error) {
	if header == nil {
		return 1000, nil // there is nothing to count
	}
	rates := []int{96000, 88200, 64000, 48000, 44100, 32000, 24000, 22050, 16000, 12000, 11025, 8000, 7350}
	if len(header) < 4 {
		return 0, errors.New("publish: the audio's configuration is cut short")
	}
	index := int(header[2]&7)<<1 | int(header[3]>>7)
	if index >= len(rates) {
		return 0, fmt.Errorf("publish: AAC sample rate index %d", index)
	}
	return rates[index], nil
}

// sdp returns the session description, with %s for the server's address, and how many tracks it has.
func (c *clip) sdp(sets [][]byte, rate int) (text string, tracks int) {
	encoded := make([]string, 0, len(sets))
	for _, set := range sets {
		encoded = append(encoded, base64.StdEncoding.EncodeToString(set))
	}
	lines := []string{
		"v=0", "o=- 0 0 IN IP4 127.0.0.1", "s=bench", "c=IN IP4 %s", "t=0 0",
		fmt.Sprintf("m=video 0 RTP/AVP %d", videoType),
		fmt.Sprintf("a=rtpmap:%d H264/%d", videoType, videoClock),
		fmt.Sprintf("a=fmtp:%d packetization-mode=1;sprop-parameter-sets=%s", videoType, strings.Join(encoded, ",")),
		"a=control:trackID=0",
	}
	tracks = 1
	if c.audio != nil {
		tracks = 2
		channels := c.audio[3] >> 3 & 0x0F
		lines = append(
			lines,
			fmt.Sprintf("m=audio 0 RTP/AVP %d", audioType),
			fmt.Sprintf("a=rtpmap:%d MPEG4-GENERIC/%d/%d", audioType, rate, channels),
			fmt.Sprintf("a=fmtp:%d profile-level-id=1;mode=AAC-hbr;sizelength=13;indexlength=3;indexdeltalength=3;config=%s",
				audioType, hex.EncodeToString(c.audio[2:])),
			"a=control:trackID=1",
		)
	}
	return strings.Join(lines, "\r\n") + "\r\n", tracks
}
