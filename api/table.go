package api

import (
	"cmp"
	_ "embed" // the table of endpoints
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

//go:embed contract.json
var contract []byte

// table is contract.json.
type table struct {
	// Tags group the endpoints.
	Tags []tag `json:"tags"`
	// Params say what parameters of a name are, where the endpoint does not say it.
	Params map[string]string `json:"params"`
	// Defs are the shapes that replies refer to.
	Defs      map[string]map[string]string `json:"defs"`
	Endpoints []endpoint                   `json:"endpoints"`
}

// tag is a group of endpoints.
type tag struct {
	Name        string `json:"name"`
	Description string `json:"description"`
}

// endpoint is one line of the table.
type endpoint struct {
	Name        string          `json:"name"`
	Path        string          `json:"path"`
	Summary     string          `json:"summary"`
	Tag         string          `json:"tag"`
	Part        string          `json:"part"` // what serves it, see Options.has
	Auth        string          `json:"auth"` // secret, none or secret_or_on_http_access
	Params      []param         `json:"params"`
	Response    json.RawMessage `json:"response"`
	ContentType string          `json:"response_content_type"`
	Aliases     []string        `json:"aliases"` // names, or whole paths
	Note        string          `json:"note"`
	Open        bool            `json:"open"` // takes arguments of any name
}

// param is an argument of an endpoint.
type param struct {
	Name     string `json:"name"`
	Type     string `json:"type"`
	Required bool   `json:"required"`
	Default  any    `json:"default"`
	About    string `json:"about"`
}

func readTable() (*table, error) {
	t := &table{}
	if err := json.Unmarshal(contract, t); err != nil {
		return nil, fmt.Errorf("api: contract.json: %w", err)
	}
	for i := range t.Endpoints {
		params := t.Endpoints[i].Params
		for j, p := range params {
			params[j].About = cmp.Or(p.About, t.Params[p.Name])
		}
	}
	return t, nil
}

// prefix begins the path of every endpoint.
const prefix = "/index/api/"

// paths are those an endpoint is served at, its own first.
func (e *endpoint) paths() []string {
	paths := []string{e.Path}
	for _, alias := range e.Aliases {
		if !strings.HasPrefix(alias, "/") {
			alias = prefix + alias
		}
		if !slices.ContainsFunc(paths, func(p string) bool { return strings.EqualFold(p, alias) }) {
			paths = append(paths, alias)
		}
	}
	return paths
}

// missing returns the message that names all required parameters, if any of them is absent or empty.
func (e *endpoint) missing(a arguments) string {
	var names []string
	complete := true
	for _, p := range e.Params {
		if p.Required {
			names = append(names, `"`+p.Name+`"`)
			complete = complete && a.get(p.Name) != ""
		}
	}
	if complete {
		return ""
	}
	return "Required parameter missed: " + strings.Join(names, ",")
}

// nested reports whether a parameter is an array, which only JSON can hold.
func (e *endpoint) nested() bool {
	return slices.ContainsFunc(e.Params, func(p param) bool { return p.Type == "array" })
}

// jsonOnly reports whether an endpoint takes its arguments as JSON alone.
func (e *endpoint) jsonOnly() bool { return strings.HasSuffix(e.Note, "must be application/json") }
