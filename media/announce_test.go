package media_test

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/sluice-media/sluice/hook"
	"github.com/sluice-media/sluice/media"
)

func TestSchemaIsAnnouncedWhenItCanBeServed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		told := make(chan string, 20)
		off := false
		m, err := media.New(media.Config{
			Options: hook.StreamOptions{EnableTS: &off},
			Hooks: []hook.Hook{hook.Funcs{OnStreamChanged: func(_ context.Context, ev *hook.StreamChangedEvent) {
				told <- fmt.Sprint(ev.Schema, " ", ev.Registered)
			}}},
		})
		require.NoError(t, err)
		defer m.Close()
		pub := publish(t, m, video)
		require.Equal(t, " true", <-told)
		st := pub.Stream()
		require.Empty(t, st.Schemas())
		withdraw := st.Announce("hls")
		st.Announce("hls")()
		st.Announce("ts")()
		require.Equal(t, []string{"hls"}, st.Schemas())
		require.Equal(t, "hls true", <-told)
		withdraw()
		withdraw()
		require.Equal(t, "hls false", <-told)
		require.Empty(t, st.Schemas())
		st.Announce("fmp4")
		require.Equal(t, "fmp4 true", <-told)
		pub.Close(nil)
		require.Equal(t, " false", <-told, "the one of a server without schemas")
		require.Equal(t, "fmp4 false", <-told)
		synctest.Wait()
		require.Empty(t, told)
		st.Announce("hls")
		synctest.Wait()
		require.Empty(t, told, "it has ended")
	})
}
