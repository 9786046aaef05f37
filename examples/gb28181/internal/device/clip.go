package device

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"io"
	"math"
	"slices"
	"time"

	"github.com/bluenviron/mediacommon/v2/pkg/codecs/mpeg4audio"

	"github.com/sluice-media/sluice/internal/clip"
	"github.com/sluice-media/sluice/internal/elementary"
	"github.com/sluice-media/sluice/internal/h26x"
	"github.com/sluice-media/sluice/internal/testmedia"
	"github.com/sluice-media/sluice/media"
)

// Clip is what a device sends. It is read only once it is made, so many devices may send one.
type Clip struct {
	packs  []pack
	length time.Duration
	// Pictures are the pictures of the video in the order in which they are sent, as media.Packet has them. They must not be
	// changed.
	Pictures [][]byte
	// Sounds are the frames of audio in their order.
	Sounds [][]byte
}

// H264 returns a clip of H.264 with G.711 A-law.
func H264() (*Clip, error) {
	packets, err := fromFLV(testmedia.H264())
	if err != nil {
		return nil, err
	}
	c := &Clip{}
	for _, p := range packets {
		if p.Track.Codec == media.H264 {
			if err := c.addVideo(p, typeH264, typeG711A); err != nil {
				return nil, err
			}
		}
	}
	c.addTone()
	return c.finish(), nil
}

// H265 returns a clip of H.265 with AAC.
func H265() (*Clip, error) {
	c := &Clip{}
	const rate = 25
	n := 0
	x := elementary.New(media.Track{ID: 1, Codec: media.H265}, func(p *media.Packet) error {
		at := *p
		at.DTS = time.Duration(n) * time.Second / rate
		at.PTS = at.DTS // the order of output is no matter here
		n++
		return c.addVideo(&at, typeH265, typeAAC)
	})
	if err := errors.Join(x.Push(testmedia.H265(), elementary.Stamp{Given: true}), x.Flush()); err != nil {
		return nil, err
	}
	c.finish()
	packets, err := fromFLV(testmedia.H264())
	if err != nil {
		return nil, err
	}
	for _, p := range packets {
		if p.Track.Codec == media.AAC && p.DTS < c.length {
			if err := c.addAAC(p); err != nil {
				return nil, err
			}
		}
	}
	return c.finish(), nil
}

func fromFLV(b []byte) ([]*media.Packet, error) {
	c, err := clip.Load(bytes.NewReader(b))
	if err != nil {
		return nil, err
	}
	source := c.Source()
	defer source.Close()
	var list []*media.Packet
	for {
		p, err := source.ReadPacket(context.Background())
		if errors.Is(err, io.EOF) {
			return list, nil
		}
		if err != nil {
			return nil, err
		}
		list = append(list, p)
	}
}

// addVideo adds a picture, with its parameter sets in front if decoding can start there.
func (c *Clip) addVideo(p *media.Packet, video, audio byte) error {
	var data []byte
	if p.Key {
		sets, _, err := h26x.Parse(p.Track.Codec, p.Track.Config)
		if err != nil {
			return err
		}
		for _, unit := range slices.Concat(sets.VPS, sets.SPS, sets.PPS) {
			data = append(append(data, 0, 0, 0, 1), unit...)
		}
	}
	for unit := range h26x.Units(p.Data) {
		data = append(append(data, 0, 0, 0, 1), unit...)
	}
	c.packs = append(c.packs, pack{dts: p.DTS, pts: p.PTS, id: videoID, key: p.Key, data: data, types: [2]byte{video, audio}})
	c.Pictures = append(c.Pictures, p.Data)
	return nil
}

func (c *Clip) addAAC(p *media.Packet) error {
	var config mpeg4audio.AudioSpecificConfig
	if err := config.Unmarshal(p.Track.Config); err != nil {
		return err
	}
	data, err := mpeg4audio.ADTSPackets{{
		Type: config.Type, SampleRate: config.SampleRate, ChannelConfig: config.ChannelConfig, AU: p.Data,
	}}.Marshal()
	if err != nil {
		return err
	}
	c.packs = append(c.packs, pack{dts: p.DTS, pts: p.PTS, id: audioID, data: data})
	c.Sounds = append(c.Sounds, p.Data)
	return nil
}

// addTone adds a tone of 440 Hz, 40 ms at a time.
func (c *Clip) addTone() {
	const rate, samples = 8000, 320
	end := c.packs[len(c.packs)-1].dts
	for n := 0; ; n++ {
		at := time.Duration(n) * samples * time.Second / rate
		if at > end {
			return
		}
		data := make([]byte, samples)
		for i := range data {
			data[i] = alaw(int16(8000 * math.Sin(2*math.Pi*440*float64(n*samples+i)/rate)))
		}
		c.packs = append(c.packs, pack{dts: at, pts: at, id: audioID, data: data})
		c.Sounds = append(c.Sounds, data)
	}
}

// alaw encodes a sample (G.711).
func alaw(s int16) byte {
	sign, x := byte(0x80), int(s)
	if s < 0 {
		sign, x = 0, -int(s)-1
	}
	x >>= 4
	exponent := 0
	for x > 31 {
		x >>= 1
		exponent++
	}
	if x > 15 {
		exponent++
		x -= 16
	}
	return (sign | byte(exponent<<4) | byte(x)) ^ 0x55
}

// finish puts everything in its order.
func (c *Clip) finish() *Clip {
	slices.SortStableFunc(c.packs, func(a, b pack) int { return cmp.Compare(a.dts, b.dts) })
	const picture = 40 * time.Millisecond
	c.length = c.packs[len(c.packs)-1].dts + picture
	return c
}
