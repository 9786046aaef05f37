package cookbook

import (
	"context"
	"errors"
	"net/http"
	"sync"

	"github.com/sluice-media/sluice/media"
)

// shutDown ends pulls, streams and HTTP in order, and the rest at once when ctx ends.
func shutDown(ctx context.Context, m *media.Server, service *http.Server, endPulls context.CancelFunc, pulls *sync.WaitGroup) error {
	endPulls()
	err := errors.Join(m.Shutdown(ctx), service.Shutdown(ctx))
	if err != nil {
		err = errors.Join(err, service.Close())
	}
	pulls.Wait() // nobody asks for one any more
	return err
}
