package record

import (
	"net/http"
	"net/http/httptest"
	"strconv"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/sluice-media/sluice/hook"
	"github.com/sluice-media/sluice/media"
)

// lateDeleter has something done when the first of a reply has come.
type lateDeleter struct {
	*httptest.ResponseRecorder
	first func()
}

func (w *lateDeleter) Write(b []byte) (int, error) {
	if w.first != nil {
		w.first()
		w.first = nil
	}
	return w.ResponseRecorder.Write(b)
}

// Who downloads or plays what is deleted gets it to its end.
func TestDeletedWhileItIsRead(t *testing.T) { synctest.Test(t, testDeletedWhileItIsRead) }

func testDeletedWhileItIsRead(t *testing.T) {
	s := newStage(t, Config{})
	begun, _ := s.roll(true)
	target := "/record/live/cam.mp4?from=" + strconv.FormatInt(begun.Unix()-1, 10) + "&to=" + strconv.FormatInt(begun.Unix()+18, 10)
	want := s.get(target)
	p, err := s.m.Play(t.Context(), media.PlayRequest{
		Stream: media.StreamKey{VHost: hook.DefaultVHost, App: "record", Name: s.obs.told[0].URL[len("record/"):]}, Schema: "rtmp",
	})
	require.NoError(t, err)
	defer p.Close(nil)
	w := &lateDeleter{ResponseRecorder: httptest.NewRecorder(), first: func() {
		_, n, err := s.r.Library().Delete(t.Context(), Query{Stream: s.key}, "")
		require.NoError(t, err)
		require.Equal(t, 5, n)
	}}
	s.r.Library().ServeHTTP(w, httptest.NewRequest(http.MethodGet, target, nil))
	require.Equal(t, want, w.Body.Bytes())
	require.Equal(t, http.StatusNotFound, s.ask(target).Code)

	played := read(t, p, func(*media.Packet) bool { return false })
	require.Len(t, ofKind(played, true), 100, "all of 4 s")
	s.closesAll()
}
