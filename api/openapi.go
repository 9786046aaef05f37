package api

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
)

// object is a JSON object.
type object = map[string]any

// openAPI describes the endpoints as OpenAPI 3.0. What o has no part for is marked.
func (t *table) openAPI(o *Options) ([]byte, error) {
	schemas := object{}
	for name, def := range t.Defs {
		properties := object{}
		for field, shape := range def {
			properties[field] = shape
		}
		schemas[name] = shapeOf(properties)
	}
	paths := object{}
	for i := range t.Endpoints {
		e := &t.Endpoints[i]
		methods, err := e.operations(o)
		if err != nil {
			return nil, err
		}
		paths[e.Path] = methods
	}
	return json.MarshalIndent(object{
		"openapi": "3.0.3",
		"info": object{
			"title": "Sluice control API", "version": "1", "description": apiText,
			"license": object{"name": "MIT", "url": "https://opensource.org/license/mit"},
		},
		"servers":    []object{{"url": "../..", "description": "This server, wherever the API is mounted"}},
		"security":   []object{{"secret": []string{}}, {"secretHeader": []string{}}, {"login": []string{}}},
		"tags":       t.Tags,
		"paths":      paths,
		"components": object{"schemas": schemas, "securitySchemes": securitySchemes()},
	}, "", " ")
}

const apiText = "Arguments stand in the query, or in the body of a POST as JSON or as a form; their names are the same in " +
	"any case. Every reply is JSON with status 200 unless something else is said: `code` is 0, or negative with the " +
	"reason in `msg`. A call that lists streams, sessions or the like and finds none leaves `data` out; getMediaPlayerList has " +
	"an empty list there, and so have lists that are members of objects. -1 is a failure, -100 a wrong secret, -300 a bad " +
	"argument, -400 what was not expected, -500 something that is not there."

func securitySchemes() object {
	scheme := func(in, name, about string) object {
		return object{"type": "apiKey", "in": in, "name": name, "description": about}
	}
	return object{
		"secret":       scheme("query", "secret", "The secret of the API. Programs on the same machine need none, unless that is switched off."),
		"secretHeader": scheme("header", "secret", "The secret of the API."),
		"login":        scheme("cookie", loginCookie, "The cookie that login sets."),
	}
}

// has reports whether there is a part of a name in the table, or none is needed.
func (o *Options) has(part string) bool {
	switch part {
	case "":
		return true
	case "config":
		return o.Config != nil
	case "restart":
		return o.Restart != nil
	case "downloads":
		return len(o.Downloads) > 0
	case "relay":
		return o.Relay != nil
	case "ffmpeg":
		return o.FFmpeg != nil
	case "snapshots":
		return o.Snapshots != nil
	case "recorder":
		return o.Recorder != nil
	case "library":
		return o.Library != nil
	case "files":
		return o.Files != nil
	case "receiver":
		return o.Receiver != nil
	case "sender":
		return o.Sender != nil
	}
	return false
}

// field names the field of [Options] that the endpoint needs; empty if there is none that would help.
func (e *endpoint) field() string {
	switch e.Part {
	case "", "none":
		return ""
	case "config", "restart":
		return strings.ToUpper(e.Part[:1]) + e.Part[1:]
	case "ffmpeg":
		return "Parts.FFmpeg"
	}
	return "Parts." + strings.ToUpper(e.Part[:1]) + e.Part[1:]
}

// operations describe the endpoint for each method.
func (e *endpoint) operations(o *Options) (object, error) {
	var response object
	if err := json.Unmarshal(e.Response, &response); err != nil {
		return nil, fmt.Errorf("api: response of %s: %w", e.Name, err)
	}
	content := object{"application/json": object{"schema": shapeOf(response)}}
	if e.ContentType != "json" {
		content["*/*"] = object{"schema": object{"type": "string", "format": "binary"}}
	}
	post := e.operation(o, "post", content)
	if body := e.body(); body != nil {
		post["requestBody"] = body
	}
	if e.jsonOnly() {
		return object{"post": post}, nil
	}
	get := e.operation(o, "get", content)
	get["parameters"] = e.parameters()
	return object{"get": get, "post": post}, nil
}

// operation is what the methods have in common.
func (e *endpoint) operation(o *Options, method string, content object) object {
	op := object{
		"operationId": method + "_" + strings.ReplaceAll(e.Name, "/", "_"),
		"summary":     e.Summary,
		"tags":        []string{e.Tag},
		"responses": object{
			"200": object{"description": "code 0, or a negative code and msg", "content": content},
			"413": object{"description": "The body is too large"},
		},
	}
	about := e.Note
	if !o.has(e.Part) {
		op["summary"] = e.Summary + " (not enabled)"
		op["x-enabled"] = false
		about = strings.TrimSpace("Not enabled: this server has no part for it. " + about)
	}
	if about != "" {
		op["description"] = about
	}
	if e.Auth == "none" {
		op["security"] = []object{}
	}
	return op
}

func (p *param) schema() object {
	schema := shapeOf(p.Type)
	if text, _ := p.Default.(string); p.Default != nil && !strings.HasPrefix(text, "config:") {
		schema["default"] = p.Default
	}
	return schema
}

func (e *endpoint) parameters() []object {
	list := []object{}
	for _, p := range e.Params {
		list = append(list, object{"name": p.Name, "in": "query", "required": p.Required, "description": p.About, "schema": p.schema()})
	}
	if e.Open {
		list = append(list, object{"name": "arguments", "in": "query", "description": e.Note, "schema": anyNames(), "style": "form", "explode": true})
	}
	return list
}

// anyNames is the shape of arguments whose names the table does not have.
func anyNames() object {
	return object{"type": "object", "additionalProperties": object{"type": "string"}}
}

// body describes the arguments in the body of a POST; nil if there are none.
func (e *endpoint) body() object {
	schema := anyNames()
	if !e.Open {
		properties, required := object{}, []string{}
		for _, p := range e.Params {
			property := p.schema()
			property["description"] = p.About
			properties[p.Name] = property
			if p.Required {
				required = append(required, p.Name)
			}
		}
		if len(properties) == 0 {
			return nil
		}
		schema = object{"type": "object", "properties": properties}
		if len(required) > 0 {
			schema["required"] = required
		}
	}
	content := object{"application/json": object{"schema": schema}}
	if !e.jsonOnly() && !e.nested() {
		content["application/x-www-form-urlencoded"] = object{"schema": schema}
	}
	return object{"content": content}
}

// shapeOf turns a shape of the table into a schema: "int", "array<$Track>", "$Source|null", or an object of shapes
// in which a name ending in ? may be absent.
func shapeOf(shape any) object {
	if members, ok := shape.(object); ok {
		return objectShape(members)
	}
	text, _ := shape.(string)
	if one, ok := strings.CutSuffix(text, "|null"); ok {
		return object{"type": "object", "nullable": true, "allOf": []object{shapeOf(one)}}
	}
	if item, ok := strings.CutPrefix(text, "array<"); ok {
		return object{"type": "array", "items": shapeOf(strings.TrimSuffix(item, ">"))}
	}
	if name, ok := strings.CutPrefix(text, "$"); ok {
		return object{"$ref": "#/components/schemas/" + name}
	}
	switch text {
	case "int":
		return object{"type": "integer"}
	case "uint":
		return object{"type": "integer", "minimum": 0}
	case "number", "float":
		return object{"type": "number"}
	case "bool":
		return object{"type": "boolean"}
	case "array":
		return object{"type": "array", "items": object{}}
	case "string":
		return object{"type": "string"}
	}
	return object{"type": "object"}
}

func objectShape(members object) object {
	properties, required := object{}, []string{}
	var all []object
	for name, shape := range members {
		if name == "..." { // the members of another object besides
			all = append(all, shapeOf(shape))
			continue
		}
		plain, optional := strings.CutSuffix(name, "?")
		properties[plain] = shapeOf(shape)
		if !optional {
			required = append(required, plain)
		}
	}
	s := object{"type": "object", "properties": properties}
	if len(required) > 0 {
		s["required"] = slices.Sorted(slices.Values(required))
	}
	if len(all) > 0 {
		return object{"allOf": append(all, s)}
	}
	return s
}

// serveOpenAPI shows the description to everybody: of this server it says only which parts it has.
func (h *Handler) serveOpenAPI(w http.ResponseWriter, r *http.Request) {
	h.setCORS(w.Header(), r)
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	_, _ = w.Write(*h.schema.Load())
}
