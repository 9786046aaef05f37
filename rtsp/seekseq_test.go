package rtsp_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"net/textproto"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pion/rtcp"
	"github.com/pion/rtp"
	"github.com/stretchr/testify/require"

	"github.com/sluice-media/sluice/internal/clip"
	"github.com/sluice-media/sluice/internal/testmedia"
	"github.com/sluice-media/sluice/media"
	"github.com/sluice-media/sluice/rtsp"
)

// arrived is a datagram, or an interleaved frame.
type arrived struct {
	channel int // 0 and 1 of the first track, 2 and 3 of the second
	packet  []byte
}

// seeker is a client that seeks and looks at everything that comes.
type seeker struct {
	t       *testing.T
	udp     bool
	conn    net.Conn
	in      chan arrived
	replies chan textproto.MIMEHeader
	seq     [2]uint16
	seen    [2]int
	reading sync.Mutex // who holds it keeps the client from reading its connection
}

func newSeeker(t *testing.T, addr string, udp bool) *seeker {
	v := &seeker{t: t, udp: udp, conn: dial(t, addr), in: make(chan arrived, 1<<16), replies: make(chan textproto.MIMEHeader, 16)}
	go v.readConn()
	for i := range 2 {
		transport := fmt.Sprintf("RTP/AVP/TCP;unicast;interleaved=%d-%d", 2*i, 2*i+1)
		if udp {
			a, b := v.listen(2*i), v.listen(2*i+1)
			transport = fmt.Sprintf("RTP/AVP;unicast;client_port=%d-%d", a, b)
		}
		v.ask("SETUP", fmt.Sprintf("/trackID=%d", i), "Transport: "+transport)
	}
	return v
}

func (v *seeker) listen(channel int) int {
	c, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	require.NoError(v.t, err)
	require.NoError(v.t, c.SetReadBuffer(4<<20))
	v.t.Cleanup(func() { c.Close() })
	go func() {
		for {
			b := make([]byte, 2048)
			n, err := c.Read(b)
			if err != nil {
				return
			}
			v.in <- arrived{channel, b[:n]}
		}
	}()
	a, _ := c.LocalAddr().(*net.UDPAddr)
	return a.Port
}

func (v *seeker) readConn() {
	defer close(v.replies)
	r := bufio.NewReader(v.conn)
	for {
		v.reading.Lock()
		v.reading.Unlock() //nolint:staticcheck // it is a gate
		b, err := r.Peek(4)
		switch {
		case err != nil:
			return
		case b[0] == '$':
			frame := make([]byte, 4+(int(b[2])<<8|int(b[3])))
			if _, err := io.ReadFull(r, frame); err != nil {
				return
			}
			v.in <- arrived{int(frame[1]), frame[4:]}
		default:
			text := textproto.NewReader(r)
			line, err := text.ReadLine()
			if err != nil {
				return
			}
			head, err := text.ReadMIMEHeader()
			if err != nil {
				return
			}
			head.Set("Status", line)
			v.in <- arrived{channel: -1} // what follows comes after it, by TCP
			v.replies <- head
		}
	}
}

func (v *seeker) ask(method, url string, fields ...string) textproto.MIMEHeader {
	v.t.Helper()
	_, err := fmt.Fprintf(v.conn, "%s rtsp://h/live/film%s RTSP/1.0\r\nCSeq: 1\r\n%s\r\n", method, url, strings.Join(append(fields, ""), "\r\n"))
	require.NoError(v.t, err)
	select {
	case head, ok := <-v.replies:
		require.True(v.t, ok)
		require.Contains(v.t, head.Get("Status"), " 200 ")
		return head
	case <-time.After(patience):
		require.Fail(v.t, "no answer")
		return nil
	}
}

// take takes what comes next, and sees that no packet of a track is missing.
func (v *seeker) take() (channel int, media *rtp.Packet, report *rtcp.SenderReport) {
	v.t.Helper()
	var a arrived
	select {
	case a = <-v.in:
	case <-time.After(patience):
		require.Fail(v.t, "nothing comes")
	}
	if a.channel < 0 {
		return -1, nil, nil
	}
	track := a.channel / 2
	if a.channel%2 == 1 {
		list, err := rtcp.Unmarshal(a.packet)
		require.NoError(v.t, err)
		report, _ = list[0].(*rtcp.SenderReport)
		return a.channel, nil, report
	}
	p := &rtp.Packet{}
	require.NoError(v.t, p.Unmarshal(a.packet))
	if v.seen[track]++; v.seen[track] > 1 {
		require.Equal(v.t, v.seq[track]+1, p.SequenceNumber, "a hole in track %d", track)
	}
	v.seq[track] = p.SequenceNumber
	return a.channel, p, nil
}

// stamps returns the rtptime of each track.
func stamps(t *testing.T, head textproto.MIMEHeader) (of [2]uint32) {
	t.Helper()
	infos := strings.Split(head.Get("RTP-Info"), ",")
	require.Len(t, infos, 2)
	for i, info := range infos {
		_, text, ok := strings.Cut(info, "rtptime=")
		require.True(t, ok)
		n, err := strconv.ParseUint(text, 10, 32)
		require.NoError(t, err)
		of[i] = uint32(n)
	}
	return of
}

// from reads until both tracks have come from the place that an answer to PLAY tells, each behind its first report, and sees
// that answer, reports and packets tell one time: that of the answer. What is still on its way of the place before must not be near,
// however slow the machine is: so that is far behind, or ahead by more than is read ahead and played meanwhile.
func (v *seeker) from(head textproto.MIMEHeader, asked time.Time) {
	v.t.Helper()
	rates, begin := [2]uint32{90000, 44100}, stamps(v.t, head)
	near := func(stamp uint32, track int) bool {
		d := int32(stamp - begin[track])
		return d >= 0 && uint32(d) <= rates[track]
	}
	var reported, came [2]bool
	for came != [2]bool{true, true} || reported != [2]bool{true, true} {
		channel, p, report := v.take()
		switch track := channel / 2; {
		case p != nil && near(p.Timestamp, track):
			if !v.udp {
				require.True(v.t, reported[track], "the report comes first")
			}
			came[track] = true
		case report != nil && near(report.RTPTime, track):
			ntp := time.Unix(int64(report.NTPTime>>32)-2208988800, int64((report.NTPTime&0xffffffff)*1e9>>32))
			at := ntp.Add(-time.Duration(report.RTPTime-begin[track]) * time.Second / time.Duration(rates[track]))
			require.False(v.t, at.Before(asked.Add(-time.Millisecond)), "the place is played from %v before the request on", asked.Sub(at))
			require.False(v.t, at.After(time.Now().Add(time.Millisecond)))
			reported[track] = true
		}
	}
}

// Over seeks and pauses the sequence numbers go on without a hole, so that no client takes for lost what was never sent, and
// the reports tell the new time at once.
func TestSeekLeavesNoHole(t *testing.T) {
	for name, udp := range map[string]bool{"TCP": false, "UDP": true} {
		t.Run(name, func(t *testing.T) {
			m, addr := start(t, media.Config{}, rtsp.Config{})
			film(t, m)
			v := newSeeker(t, addr, udp)
			asked := time.Now()
			v.from(v.ask("PLAY", "", "Range: npt=1-"), asked)
			for i, npt := range []string{"4.5", "2.2", "0", "5", "2.5", "0.5"} {
				for range 3 * i {
					v.take()
				}
				time.Sleep(100 * time.Millisecond) // the clock is to be another one
				asked = time.Now()
				v.from(v.ask("PLAY", "", "Range: npt="+npt+"-"), asked)
			}
			v.ask("TEARDOWN", "")
		})
	}
}

// bulky is a source of large pictures: each has filler data behind it (H.264, 7.3.2.7).
type bulky struct{ media.Source }

func (s bulky) ReadPacket(ctx context.Context) (*media.Packet, error) {
	const filler = 300 << 10
	p, err := s.Source.ReadPacket(ctx)
	if err == nil && p.Track.Codec == media.H264 {
		data := binary.BigEndian.AppendUint32(append([]byte(nil), p.Data...), filler)
		p.Data = append(append(data, 12), bytes.Repeat([]byte{0xff}, filler-1)...)
	}
	return p, err
}

// So they do when the client has not taken all there was of the place before.
func TestSeekOfAClientThatIsBehind(t *testing.T) {
	m, addr := start(t, media.Config{}, rtsp.Config{})
	c, err := clip.Load(bytes.NewReader(testmedia.H264()))
	require.NoError(t, err)
	m.Open(media.OpenerFunc(func(context.Context, *media.OpenRequest) (media.Source, error) { return bulky{c.Source()}, nil }))
	v := newSeeker(t, addr, false)
	asked := time.Now()
	v.from(v.ask("PLAY", "", "Range: npt=1-"), asked)
	for _, npt := range []string{"4.5", "2.2", "0"} {
		v.reading.Lock()
		time.Sleep(300 * time.Millisecond) // what there is fills the connection
		time.AfterFunc(100*time.Millisecond, v.reading.Unlock)
		asked = time.Now()
		v.from(v.ask("PLAY", "", "Range: npt="+npt+"-"), asked)
	}
}

// report reads the next report of the first track.
func (v *seeker) report() (ntp time.Time, stamp uint32) {
	v.t.Helper()
	for {
		if channel, _, r := v.take(); channel == 1 && r != nil {
			return time.Unix(int64(r.NTPTime>>32)-2208988800, int64((r.NTPTime&0xffffffff)*1e9>>32)), r.RTPTime
		}
	}
}

// After a pause reports come at once and tell how long it was.
func TestReportsAfterAPause(t *testing.T) {
	for name, udp := range map[string]bool{"TCP": false, "UDP": true} {
		t.Run(name, func(t *testing.T) {
			m, addr := start(t, media.Config{}, rtsp.Config{})
			film(t, m)
			v := newSeeker(t, addr, udp)
			v.ask("PLAY", "", "Range: npt=1-")
			before, first := v.report()
			v.ask("PAUSE", "")
			paused := time.Now()
			time.Sleep(300 * time.Millisecond)
			least := time.Since(paused)
			v.ask("PLAY", "")
			after, second := v.report()
			played := time.Duration(int32(second-first)) * time.Second / 90000
			require.GreaterOrEqual(t, after.Sub(before)-played, least*2/3, "of which the source may have played on for a little")
		})
	}
}
