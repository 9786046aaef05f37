package record

import (
	"context"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sluice-media/sluice/hook"
	"github.com/sluice-media/sluice/internal/mp4"
	"github.com/sluice-media/sluice/internal/testmedia"
	"github.com/sluice-media/sluice/internal/testmedia/reel"
	"github.com/sluice-media/sluice/media"
)

// observer notes what it is told of recordings.
type observer struct {
	mu   sync.Mutex
	told []*hook.RecordEvent
	come chan struct{}
}

func (o *observer) OnRecordMP4(_ context.Context, ev *hook.RecordEvent) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.told = append(o.told, ev)
	select {
	case o.come <- struct{}{}:
	default:
	}
}

func (o *observer) OnRecordTS(ctx context.Context, ev *hook.RecordEvent) { o.OnRecordMP4(ctx, ev) }

// await returns what was told when that are n.
func (o *observer) await(t *testing.T, n int) []*hook.RecordEvent {
	t.Helper()
	for {
		o.mu.Lock()
		told := slices.Clone(o.told)
		o.mu.Unlock()
		if len(told) >= n {
			require.Len(t, told, n)
			return told
		}
		select {
		case <-o.come:
		case <-time.After(30 * time.Second):
			require.Fail(t, "nobody was told", "of %d recordings %d", n, len(told))
		}
	}
}

// stage is a server that records.
type stage struct {
	t   *testing.T
	m   *media.Server
	r   *Recorder
	dir string
	obs *observer
	key media.StreamKey

	leaves bool // something that cannot be finished, when it ends
}

func newStage(t *testing.T, cfg Config, set ...func(*media.Config)) *stage {
	t.Helper()
	if cfg.Dir == "" {
		time.Sleep(12 * time.Hour) // a bubble begins at midnight
	}
	s := &stage{t: t, dir: t.TempDir(), obs: &observer{come: make(chan struct{}, 1)}}
	s.key = media.StreamKey{VHost: hook.DefaultVHost, App: "live", Name: "cam"}
	mc := media.Config{Hooks: []hook.Hook{s.obs}, Logger: slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelDebug}))}
	for _, f := range set {
		f(&mc)
	}
	var err error
	s.m, err = media.New(mc)
	require.NoError(t, err)
	if cfg.Dir == "" {
		cfg.Dir = s.dir
	}
	s.dir = cfg.Dir
	s.r, err = New(s.m, cfg)
	require.NoError(t, err)
	t.Cleanup(func() {
		require.NoError(t, s.r.Close())
		if err := s.m.Close(); !s.leaves || !errors.Is(err, errUnfinished) {
			require.NoError(t, err)
		}
	})
	return s
}

// publish begins a stream with these tracks.
func (s *stage) publish(tracks []*media.Track) *media.Publisher {
	s.t.Helper()
	pub, err := s.m.Publish(s.t.Context(), media.PublishRequest{Stream: s.key, Schema: "rtmp"})
	require.NoError(s.t, err)
	require.NoError(s.t, pub.SetTracks(tracks...))
	return pub
}

// write writes packets when they are due, n times one after the other. Time is to be that of a bubble.
func write(t *testing.T, pub *media.Publisher, packets []*media.Packet, length time.Duration, n int) {
	t.Helper()
	begun := time.Now()
	for i := range n {
		for _, p := range packets {
			x := *p
			x.DTS += time.Duration(i) * length
			x.PTS += time.Duration(i) * length
			time.Sleep(time.Until(begun.Add(x.DTS - packets[0].DTS)))
			require.NoError(t, pub.WritePacket(&x))
		}
	}
}

// readFile returns all packets of a file.
func readFile(t *testing.T, name string) (*mp4.File, []*media.Packet) {
	t.Helper()
	file, list := readLeft(t, name)
	require.NotNil(t, file)
	return file, list
}

// readLeft is readFile of what a crash has left: that may be nothing.
func readLeft(t *testing.T, name string) (*mp4.File, []*media.Packet) {
	t.Helper()
	f, err := os.Open(name)
	require.NoError(t, err)
	defer f.Close()
	info, err := f.Stat()
	require.NoError(t, err)
	x, err := mp4.Open(f, info.Size())
	if errors.Is(err, mp4.ErrNoMovie) || errors.Is(err, mp4.ErrEmpty) {
		return nil, nil
	}
	require.NoError(t, err)
	var list []*media.Packet
	for c := x.Cursor(); ; {
		p, err := c.ReadPacket()
		if errors.Is(err, io.EOF) {
			return x, list
		}
		require.NoError(t, err)
		list = append(list, p)
	}
}

// hiddenFiles returns the files below a directory whose names begin with a dot.
func hiddenFiles(t *testing.T, dir string) (list []string) {
	t.Helper()
	require.NoError(t, filepath.WalkDir(dir, func(name string, e os.DirEntry, err error) error {
		if err == nil && !e.IsDir() && e.Name()[0] == '.' {
			list = append(list, name)
		}
		return err
	}))
	return list
}

// ofKind returns the data of the pictures, or of the sound.
func ofKind(list []*media.Packet, video bool) (data []string) {
	for _, p := range list {
		if p.Track.Codec.Video() == video {
			data = append(data, fmt.Sprintf("%d %x", len(p.Data), crc32.ChecksumIEEE(p.Data)))
		}
	}
	return data
}

// What is recorded over several files is what was published: all of it, in order, nothing twice.
func TestRotates(t *testing.T) {
	for name, flv := range map[string][]byte{"plain": testmedia.H264(), "B-frames": testmedia.H264B()} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newStage(t, Config{})
				tracks, packets := reel.Load(t, flv)
				pub := s.publish(tracks)
				require.NoError(t, s.r.Start(t.Context(), Request{Stream: s.key, MaxDuration: 4 * time.Second}))
				require.True(t, s.r.Recording(s.key, MP4))
				require.True(t, s.source().IsRecordingMP4)
				write(t, pub, packets, 6*time.Second, 3)
				pub.Close(nil)

				told := s.obs.await(t, 5)
				require.False(t, s.r.Recording(s.key, MP4))
				var got []*media.Packet
				for i, ev := range told {
					require.Equal(t, s.key, ev.Stream)
					file, list := readFile(t, ev.FilePath)
					require.False(t, file.Fragmented())
					require.Equal(t, file.Duration(), ev.Length)
					if i < 4 {
						require.InDelta(t, 4, ev.Length.Seconds(), 0.1)
					}
					info, err := os.Stat(ev.FilePath)
					require.NoError(t, err)
					require.Equal(t, info.Size(), ev.FileSize)
					day := ev.Start.Local().Format(dayLayout)
					require.Equal(t, filepath.Join(s.dir, "record/live/cam")+"/", ev.Folder)
					require.Equal(t, filepath.Join(ev.Folder, day, ev.FileName), ev.FilePath)
					require.Equal(t, "record/live/cam/"+day+"/"+ev.FileName, ev.URL)
					require.Regexp(t, `^`+day+`-\d\d-\d\d-\d\d-`+string('0'+rune(i))+`\.mp4$`, ev.FileName)
					require.True(t, list[slices.IndexFunc(list, func(p *media.Packet) bool { return p.Track.Codec.Video() })].Key)
					got = append(got, list...)
				}
				require.Empty(t, hiddenFiles(t, s.dir))
				var want []*media.Packet
				for range 3 {
					want = append(want, packets...)
				}
				// It begins with the first key frame.
				want = want[slices.IndexFunc(want, func(p *media.Packet) bool { return p.Key }):]
				require.Equal(t, ofKind(want, true), ofKind(got, true))
				require.Equal(t, ofKind(want, false), ofKind(got, false))
			})
		})
	}
}

func (s *stage) source() hook.Source {
	st, ok := s.m.Stream(s.key)
	require.True(s.t, ok)
	return st.Source("rtmp")
}
