package api_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sluice-media/sluice/api"
)

// The description refers to nothing that it does not hold.
func TestOpenAPI(t *testing.T) {
	h, _ := newAPI(t, api.Options{})
	doc := call(t, h, httptest.NewRequest(http.MethodGet, "/index/api/openapi.json", nil))
	require.Equal(t, "3.0.3", doc["openapi"])
	schemas := doc["components"].(object)["schemas"].(object)
	refs := 0
	var walk func(v any)
	walk = func(v any) {
		switch v := v.(type) {
		case object:
			if ref, ok := v["$ref"].(string); ok {
				refs++
				require.Contains(t, schemas, strings.TrimPrefix(ref, "#/components/schemas/"))
			}
			for _, member := range v {
				walk(member)
			}
		case []any:
			for _, item := range v {
				walk(item)
			}
		}
	}
	walk(doc)
	require.Greater(t, refs, 10)
	list := doc["paths"].(object)["/index/api/getMediaList"].(object)["get"].(object)
	require.Len(t, list["parameters"], 4)
}

// Each call has a summary and a group, and each parameter says what it is.
func TestOpenAPISaysWhatThingsAre(t *testing.T) {
	h, _ := newAPI(t, api.Options{})
	doc := call(t, h, httptest.NewRequest(http.MethodGet, "/index/api/openapi.json", nil))
	tags := map[any]bool{}
	for _, tag := range doc["tags"].([]any) {
		require.NotEmpty(t, tag.(object)["description"])
		tags[tag.(object)["name"]] = true
	}
	summaries, parameters := map[any]string{}, 0
	for path, methods := range doc["paths"].(object) {
		for method, op := range methods.(object) {
			op := op.(object)
			summary, _ := op["summary"].(string)
			require.NotEmpty(t, summary, path)
			require.True(t, tags[op["tags"].([]any)[0]], path)
			require.Contains(t, []string{"", path}, summaries[summary], "%s: two calls are the same", summary)
			summaries[summary] = path
			list, _ := op["parameters"].([]any)
			for _, p := range list {
				parameters++
				require.NotEmpty(t, p.(object)["description"], "%s %s: %v", method, path, p)
			}
		}
	}
	require.Greater(t, parameters, 200)
}

// The description marks the calls whose part is missing, and no others.
func TestOpenAPIMarksWhatIsOff(t *testing.T) {
	for what, parts := range map[string]api.Parts{"nothing": {}, "all": allParts(&double{})} {
		t.Run(what, func(t *testing.T) {
			h, _ := newAPI(t, api.Options{})
			require.NoError(t, h.SetOptions(api.Options{Secret: secret, Parts: parts}))
			doc := call(t, h, httptest.NewRequest(http.MethodGet, "/index/api/openapi.json", nil))
			off := 0
			for path, methods := range doc["paths"].(object) {
				op := methods.(object)["post"].(object)
				r := httptest.NewRequest(http.MethodPost, path, strings.NewReader(example(op)))
				r.Header.Set("Content-Type", "application/json")
				r.Header.Set("secret", secret)
				w := httptest.NewRecorder()
				h.ServeHTTP(w, r)
				enabled := op["x-enabled"] != false
				require.Equal(t, !enabled, strings.Contains(w.Body.String(), "not enabled"), "%s: %s", path, w.Body)
				require.Equal(t, !enabled, strings.HasSuffix(op["summary"].(string), "(not enabled)"))
				if !enabled {
					off++
				}
			}
			require.Equal(t, map[string]int{"nothing": 60, "all": 20}[what], off)
		})
	}
}

// example is a body that has what an operation needs.
func example(op object) string {
	body, ok := op["requestBody"].(object)
	if !ok {
		return "{}"
	}
	schema := body["content"].(object)["application/json"].(object)["schema"].(object)
	values := object{}
	required, _ := schema["required"].([]any)
	for _, name := range required {
		values[name.(string)] = 1
	}
	text, err := json.Marshal(values)
	if err != nil {
		return err.Error()
	}
	return string(text)
}
