package rtsp_test

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"net/textproto"
	"regexp"
	"strconv"
	"testing"
	"time"

	"github.com/pion/rtcp"
	"github.com/pion/rtp"
	"github.com/stretchr/testify/require"

	"github.com/sluice-media/sluice/media"
	"github.com/sluice-media/sluice/rtsp"
)

const ntpEpoch = 2208988800

// publishOld publishes a stream that has run for an age already, with a GOP of two seconds, until the test ends.
func publishOld(t *testing.T, m *media.Server, age time.Duration) {
	t.Helper()
	video := &media.Track{ID: 1, Codec: media.VP8, ClockRate: 90000}
	audio := &media.Track{ID: 2, Codec: media.G711A, ClockRate: 8000, SampleRate: 8000, Channels: 1}
	pub, err := m.Publish(t.Context(), media.PublishRequest{Stream: testKey, Schema: "rtmp"})
	require.NoError(t, err)
	require.NoError(t, pub.SetTracks(video, audio))
	write := func(at time.Duration, key bool) {
		for _, p := range []*media.Packet{{Track: video, Key: key, Data: []byte{1, 2, 3}}, {Track: audio, Data: make([]byte, 320)}} {
			p.DTS, p.PTS = at, at
			_ = pub.WritePacket(p)
		}
	}
	at := time.Duration(0)
	for ; at < age; at += 2 * time.Second {
		write(at, true)
	}
	write(at, true) // what is live begins before anybody comes, not a step of two seconds afterwards
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		begun := time.Now()
		for i := 1; ; i++ {
			after := time.Duration(i) * 40 * time.Millisecond
			select {
			case <-stop:
				return
			case <-time.After(time.Until(begun.Add(after))):
			}
			write(at+after, i%50 == 0)
		}
	}()
	t.Cleanup(func() {
		close(stop)
		<-stopped
		pub.Close(nil)
	})
}

// line is where a track's time and the wall clock belong together.
type line struct {
	ntp   time.Time
	stamp uint32
}

// at returns the wall clock of a timestamp.
func (l line) at(stamp uint32, rate int) time.Time {
	return l.ntp.Add(time.Duration(int32(stamp-l.stamp)) * time.Second / time.Duration(rate))
}

func lineOf(r *rtcp.SenderReport) line {
	fraction := (r.NTPTime & 0xffffffff) * uint64(time.Second) >> 32
	return line{time.Unix(int64(r.NTPTime>>32)-ntpEpoch, int64(fraction)), r.RTPTime}
}

// player is a client that reads what a server sends.
type player struct {
	rtpInfo [2]uint32
	next    func() (track int, packet []byte, isRTCP bool)
}

// play plays two tracks by TCP or UDP, as a client that calls itself agent.
func play(t *testing.T, addr string, udp bool, agent string) *player {
	t.Helper()
	conn := dial(t, addr)
	require.NoError(t, conn.SetDeadline(time.Now().Add(patience)))
	r := bufio.NewReader(conn)
	ask := func(method, url, more string) textproto.MIMEHeader {
		_, err := fmt.Fprintf(conn, "%s rtsp://h/live/test%s RTSP/1.0\r\nCSeq: 1\r\nUser-Agent: %s\r\n%s\r\n", method, url, agent, more)
		require.NoError(t, err)
		head := textproto.NewReader(r)
		first, err := head.ReadLine()
		require.NoError(t, err)
		require.Contains(t, first, " 200 ")
		h, err := head.ReadMIMEHeader()
		require.NoError(t, err)
		n, _ := strconv.Atoi(h.Get("Content-Length"))
		_, err = io.CopyN(io.Discard, r, int64(n))
		require.NoError(t, err)
		return h
	}
	type got struct {
		track  int
		packet []byte
		rtcp   bool
	}
	packets := make(chan got, 10000)
	ask("DESCRIBE", "", "")
	for i := range 2 {
		if !udp {
			ask("SETUP", fmt.Sprintf("/trackID=%d", i), fmt.Sprintf("Transport: RTP/AVP/TCP;unicast;interleaved=%d-%d\r\n", 2*i, 2*i+1))
			continue
		}
		var ports [2]int
		for j := range 2 {
			c, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
			require.NoError(t, err)
			ports[j] = c.LocalAddr().(*net.UDPAddr).Port
			done := make(chan struct{})
			go func() {
				defer close(done)
				for b := make([]byte, 2048); ; {
					n, err := c.Read(b)
					if err != nil {
						return
					}
					packets <- got{i, append([]byte(nil), b[:n]...), j == 1}
				}
			}()
			t.Cleanup(func() {
				c.Close()
				<-done
			})
		}
		ask("SETUP", fmt.Sprintf("/trackID=%d", i), fmt.Sprintf("Transport: RTP/AVP;unicast;client_port=%d-%d\r\n", ports[0], ports[1]))
	}
	info := ask("PLAY", "", "").Get("RTP-Info")
	p := &player{}
	stamps := regexp.MustCompile(`rtptime=(\d+)`).FindAllStringSubmatch(info, -1)
	require.Len(t, stamps, 2, "%q", info)
	for i, s := range stamps {
		n, err := strconv.ParseUint(s[1], 10, 32)
		require.NoError(t, err)
		p.rtpInfo[i] = uint32(n)
	}
	p.next = func() (int, []byte, bool) {
		var head [4]byte
		_, err := io.ReadFull(r, head[:])
		require.NoError(t, err)
		b := make([]byte, binary.BigEndian.Uint16(head[2:]))
		_, err = io.ReadFull(r, b)
		require.NoError(t, err)
		return int(head[1]) / 2, b, head[1]%2 == 1
	}
	if udp {
		p.next = func() (int, []byte, bool) {
			select {
			case g := <-packets:
				return g.track, g.packet, g.rtcp
			case <-time.After(patience):
				t.Fatal("nothing comes")
				return 0, nil, false
			}
		}
	}
	return p
}

// However old a stream is: the first thing a player gets are sender reports of this moment, and they, RTP-Info and the
// packets tell one and the same clock, of all tracks.
func TestClockOfOldStreams(t *testing.T) {
	const day = 24 * time.Hour
	for _, age := range []time.Duration{0, 7 * time.Hour, 14 * time.Hour, day, 7 * day, 14 * day, 49 * day} {
		t.Run(age.String(), func(t *testing.T) {
			t.Parallel()
			m, addr := start(t, media.Config{}, rtsp.Config{})
			publishOld(t, m, age)
			st := await(t, m)
			first := st.Read()
			defer first.Close()
			_, err := first.ReadBatch(t.Context(), make([]*media.Packet, 1))
			require.NoError(t, err)
			for who := range 4 {
				time.Sleep(time.Duration(who) * 300 * time.Millisecond) // so that the start is not of now
				playOld(t, addr, who%2 == 1)
			}
		})
	}
}

// playOld plays an old stream and holds its clocks to each other.
func playOld(t *testing.T, addr string, udp bool) {
	t.Helper()
	rates := [2]int{90000, 8000}
	before := time.Now()
	p := play(t, addr, udp, "test")
	var lines [2]*line
	reports, units := 0, 0
	for reports < 6 || units < 100 {
		track, packet, isRTCP := p.next()
		if isRTCP {
			list, err := rtcp.Unmarshal(packet)
			require.NoError(t, err)
			l := lineOf(list[0].(*rtcp.SenderReport))
			reports++
			if lines[track] != nil {
				require.WithinDuration(t, lines[track].at(l.stamp, rates[track]), l.ntp, 10*time.Millisecond, "another line")
				continue
			}
			lines[track] = &l
			require.WithinRange(t, l.ntp, before.Add(-time.Millisecond), time.Now(), "the first report of track %d", track)
			continue
		}
		units++
		var u rtp.Packet
		require.NoError(t, u.Unmarshal(packet))
		behind := int32(u.Timestamp - p.rtpInfo[track])
		require.GreaterOrEqual(t, behind, int32(0), "before RTP-Info")
		require.Less(t, behind, int32(20*rates[track]))
		if !udp {
			require.NotNil(t, lines[track], "before its report")
		}
	}
	begin := lines[0].at(p.rtpInfo[0], rates[0])
	require.WithinDuration(t, begin, lines[1].at(p.rtpInfo[1], rates[1]), time.Millisecond, "the tracks begin apart")
	require.WithinDuration(t, before, begin, 10*time.Second)
}
