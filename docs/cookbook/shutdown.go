package cookbook

import (
	"context"
	"errors"
	"net/http"

	"github.com/sluice-media/sluice/media"
)

// shutDown ends streams, what brings them in, and HTTP in order, and the rest at once when ctx ends.
func shutDown(ctx context.Context, m *media.Server, service *http.Server) error {
	err := errors.Join(m.Shutdown(ctx), service.Shutdown(ctx))
	if err != nil {
		err = errors.Join(err, service.Close())
	}
	return err
}
