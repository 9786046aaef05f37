package interop

import (
	"context"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sluice-media/sluice/api"
	"github.com/sluice-media/sluice/media"
)

// The description of the API is valid for a strict reader of OpenAPI, without an error or a warning.
func TestOpenAPIIsValid(t *testing.T) {
	t.Parallel()
	needNPM(t, npmFolder)
	need(t, "node")
	m, err := media.New(media.Config{})
	require.NoError(t, err)
	defer m.Close()
	h, err := api.NewHandler(m, api.Options{})
	require.NoError(t, err)
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/index/api/openapi.json", nil))
	file := filepath.Join(t.TempDir(), "openapi.json")
	require.NoError(t, os.WriteFile(file, w.Body.Bytes(), 0o600))

	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	out, err := run(ctx, "env", "REDOCLY_TELEMETRY=off", "REDOCLY_SUPPRESS_UPDATE_NOTICE=true",
		"node", filepath.Join(npmFolder, "node_modules", "@redocly", "cli", "bin", "cli.js"), "lint", "--extends=recommended", file)
	require.NoError(t, err)
	require.Contains(t, out, "Your API description is valid.")
	require.NotContains(t, out, "You have")
}
