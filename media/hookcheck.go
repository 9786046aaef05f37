package media

import (
	"errors"
	"fmt"
	"reflect"
	"strings"

	"github.com/sluice-media/sluice/hook"
)

// hookKind is a hook interface as reflection sees it: one method.
type hookKind struct {
	face reflect.Type
	name string // of its method
}

func kindOf[I any]() hookKind {
	face := reflect.TypeFor[I]()
	return hookKind{face: face, name: face.Method(0).Name}
}

// hookKinds are all there are.
func hookKinds() []hookKind {
	return []hookKind{
		kindOf[hook.PublishHook](), kindOf[hook.PlayHook](), kindOf[hook.StreamNotFoundHook](),
		kindOf[hook.StreamNoneReaderHook](), kindOf[hook.RTSPRealmHook](), kindOf[hook.RTSPAuthHook](),
		kindOf[hook.HTTPAccessHook](), kindOf[hook.ShellLoginHook](), kindOf[hook.StreamChangedHook](),
		kindOf[hook.FlowReportHook](), kindOf[hook.RecordMP4Hook](), kindOf[hook.RecordTSHook](),
		kindOf[hook.ServerStartedHook](), kindOf[hook.ServerKeepaliveHook](), kindOf[hook.ServerExitedHook](),
		kindOf[hook.SendRTPStoppedHook](), kindOf[hook.RTPServerTimeoutHook](),
	}
}

// checkHook refuses a value with a method that its author takes for a hook and nobody would call: what such a
// hook was to keep out would be let in.
func checkHook(h hook.Hook) error {
	t := reflect.TypeOf(h)
	if t == nil {
		return errors.New("media: a hook is nil")
	}
	kinds := hookKinds()
	if _, ok := h.(hook.Multi); ok {
		return checkMulti(t, kinds)
	}
	if t.Kind() != reflect.Pointer && reflect.PointerTo(t).Implements(reflect.TypeFor[hook.Multi]()) {
		return fmt.Errorf("media: %v has Hooks on its pointer, a hook must be a *%v", t, t)
	}
	for _, k := range kinds {
		if err := k.check(t); err != nil {
			return err
		}
	}
	return nil
}

// checkMulti refuses a Multi that has hook methods too: they are not called.
func checkMulti(t reflect.Type, kinds []hookKind) error {
	for _, k := range kinds {
		if _, ok := methodOf(t, k.name); ok || buried(t, k.name, 0) {
			return fmt.Errorf("media: %v has %s besides Hooks, which is used instead: return it from Hooks", t, k.name)
		}
	}
	return nil
}

// check refuses a type whose method of this name is not the one of the interface.
func (k hookKind) check(t reflect.Type) error {
	if t.Implements(k.face) {
		return nil
	}
	m, ok := methodOf(t, k.name)
	switch {
	case ok && m.Name != k.name:
		return fmt.Errorf("media: %v has a method %s, hook.%s wants %s", t, m.Name, k.face.Name(), k.name)
	case ok && t.Kind() != reflect.Pointer && reflect.PointerTo(t).Implements(k.face):
		return fmt.Errorf("media: %v has %s on its pointer, a hook must be a *%v", t, k.name, t)
	case ok:
		return fmt.Errorf("media: %v has %s of type %v, hook.%s wants %v",
			t, k.name, signature(m), k.face.Name(), k.face.Method(0).Type)
	case buried(t, k.name, 0):
		return fmt.Errorf("media: %v embeds %s, but twice or under a field of that name, so it has none itself", t, k.name)
	}
	return nil
}

// methodOf finds a method of t, or of its pointer, by a name in any case.
func methodOf(t reflect.Type, name string) (reflect.Method, bool) {
	if t.Kind() != reflect.Pointer && t.Kind() != reflect.Interface {
		t = reflect.PointerTo(t) // its methods are those of t and more
	}
	if m, ok := t.MethodByName(name); ok {
		return m, true
	}
	for m := range t.Methods() {
		if strings.EqualFold(m.Name, name) {
			return m, true
		}
	}
	return reflect.Method{}, false
}

// maxEmbedding bounds how deep embedded fields are looked into.
const maxEmbedding = 8

// buried reports whether t, which has no such method itself, embeds what has it: Go promotes none of two.
func buried(t reflect.Type, name string, depth int) bool {
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if t.Kind() != reflect.Struct || depth == maxEmbedding {
		return false
	}
	for f := range t.Fields() {
		if !f.Anonymous {
			continue
		}
		if _, ok := methodOf(f.Type, name); ok || buried(f.Type, name, depth+1) {
			return true
		}
	}
	return false
}

// signature is the type of a method without its receiver.
func signature(m reflect.Method) reflect.Type {
	var in, out []reflect.Type
	for i := range m.Type.Ins() {
		in = append(in, i)
	}
	for o := range m.Type.Outs() {
		out = append(out, o)
	}
	return reflect.FuncOf(in[1:], out, m.Type.IsVariadic())
}
