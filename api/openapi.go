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

// openAPI describes the endpoints as OpenAPI 3.0.
func (t *table) openAPI() ([]byte, error) {
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
		op, err := e.operation()
		if err != nil {
			return nil, err
		}
		paths[e.Path] = object{"get": op("get"), "post": op("post")}
	}
	return json.MarshalIndent(object{
		"openapi": "3.0.3",
		"info":    object{"title": "Sluice control API", "version": "1"},
		"paths":   paths,
		"components": object{
			"schemas": schemas,
			"securitySchemes": object{
				"secret":       object{"type": "apiKey", "in": "query", "name": "secret"},
				"secretHeader": object{"type": "apiKey", "in": "header", "name": "secret"},
			},
		},
	}, "", " ")
}

// operation returns what describes the endpoint for a method.
func (e *endpoint) operation() (func(method string) object, error) {
	var response object
	if err := json.Unmarshal(e.Response, &response); err != nil {
		return nil, fmt.Errorf("api: response of %s: %w", e.Name, err)
	}
	content := object{"application/json": object{"schema": shapeOf(response)}}
	if e.ContentType != "json" {
		content["*/*"] = object{"schema": object{"type": "string", "format": "binary"}}
	}
	return func(method string) object {
		op := object{
			"operationId": method + "_" + strings.ReplaceAll(e.Name, "/", "_"),
			"parameters":  e.parameters(),
			"responses":   object{"200": object{"description": "code 0, or a negative code and msg", "content": content}},
		}
		if e.Note != "" {
			op["description"] = e.Note
		}
		if e.Auth != "none" {
			op["security"] = []object{{"secret": []string{}}, {"secretHeader": []string{}}}
		}
		return op
	}, nil
}

func (e *endpoint) parameters() []object {
	list := []object{}
	for _, p := range e.Params {
		schema := shapeOf(p.Type)
		if text, _ := p.Default.(string); p.Default != nil && !strings.HasPrefix(text, "config:") {
			schema["default"] = p.Default
		}
		list = append(list, object{"name": p.Name, "in": "query", "required": p.Required, "schema": schema})
	}
	return list
}

// shapeOf turns a shape of the table into a schema: "int", "array<$Track>", "$Source|null", or an object of shapes
// in which a name ending in ? may be absent.
func shapeOf(shape any) object {
	if members, ok := shape.(object); ok {
		return objectShape(members)
	}
	text, _ := shape.(string)
	if one, ok := strings.CutSuffix(text, "|null"); ok {
		return object{"nullable": true, "allOf": []object{shapeOf(one)}}
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

// serveOpenAPI shows the description to everybody: it says nothing of this server.
func (h *Handler) serveOpenAPI(w http.ResponseWriter, r *http.Request) {
	h.setCORS(w.Header(), r)
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	_, _ = w.Write(h.schema)
}
