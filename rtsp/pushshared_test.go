package rtsp_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"io"
	"net"
	"net/textproto"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sluice-media/sluice/internal/testmedia"
	"github.com/sluice-media/sluice/internal/testmedia/reel"
	"github.com/sluice-media/sluice/media"
	"github.com/sluice-media/sluice/rtsp"
)

// taker is a server that takes what is pushed to it, and tells the first bytes of RTP.
func taker(conn net.Conn, took chan<- []byte) {
	defer conn.Close()
	from := bufio.NewReader(conn)
	var media []byte
	for {
		b, err := from.Peek(1)
		if err != nil {
			return
		}
		if b[0] == '$' {
			head := make([]byte, 4)
			_, _ = io.ReadFull(from, head)
			frame := make([]byte, binary.BigEndian.Uint16(head[2:]))
			if _, err := io.ReadFull(from, frame); err != nil {
				return
			}
			if head[1] == 0 && took != nil {
				if media = append(media, frame...); len(media) > 300_000 {
					took <- media
					took = nil
				}
			}
			continue
		}
		r := textproto.NewReader(from)
		line, err := r.ReadLine()
		if err != nil {
			return
		}
		head, err := r.ReadMIMEHeader()
		if err != nil {
			return
		}
		if strings.HasPrefix(line, "ANNOUNCE") {
			body := 0
			for _, c := range head.Get("Content-Length") {
				body = body*10 + int(c-'0')
			}
			_, _ = io.CopyN(io.Discard, from, int64(body))
		}
		answer := "RTSP/1.0 200 OK\r\nCSeq: " + head.Get("Cseq") + "\r\nSession: 1\r\n"
		if t := head.Get("Transport"); t != "" {
			answer += "Transport: " + t + "\r\n"
		}
		_, _ = io.WriteString(conn, answer+"\r\n")
	}
}

// A stream that is pushed to several servers is muxed once: each gets the same bytes, pictures that are larger than one write in full.
func TestPushesShare(t *testing.T) {
	m, err := media.New(media.Config{})
	require.NoError(t, err)
	defer m.Close()
	tracks, packets := reel.Load(t, testmedia.H264())
	pub, err := m.Publish(t.Context(), media.PublishRequest{Stream: testKey})
	require.NoError(t, err)
	require.NoError(t, pub.SetTracks(tracks...))
	ctx, cancel := context.WithCancel(t.Context())
	var running sync.WaitGroup
	defer running.Wait()
	defer cancel()
	const pushes = 3
	took := make(chan []byte, pushes)
	playing := make(chan struct{}, pushes)
	for range pushes {
		client, server := net.Pipe()
		running.Go(func() { taker(server, took) })
		running.Go(func() {
			_ = rtsp.Push(ctx, m, testKey, "rtsp://h/x", rtsp.ClientConfig{
				Transport: rtsp.TCP, DialTimeout: time.Minute, Dial: func(context.Context, string, string) (net.Conn, error) { return client, nil },
				OnPlaying: func(*media.Session) { playing <- struct{}{} },
			})
		})
	}
	for range pushes {
		<-playing
	}
	key := slices.IndexFunc(packets, func(p *media.Packet) bool { return p.Key && p.Track.Codec.Video() })
	for i := range 4 {
		p := *packets[key]
		p.DTS, p.PTS = time.Duration(i)*time.Second, time.Duration(i)*time.Second
		filler := append([]byte{12}, bytes.Repeat([]byte{0xff}, 200_000)...) // H.264, 7.3.2.7
		filler = append(filler, 0x80)
		p.Data = append(bytes.Clone(p.Data), binary.BigEndian.AppendUint32(nil, uint32(len(filler)))...)
		p.Data = append(p.Data, filler...)
		require.NoError(t, pub.WritePacket(&p))
	}
	first := <-took
	for range pushes - 1 {
		other := <-took
		n := min(len(first), len(other))
		require.True(t, bytes.Equal(first[:n], other[:n]))
	}
}
