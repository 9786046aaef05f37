package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sluice-media/sluice/api/config"
	"github.com/sluice-media/sluice/hook/httphook"
)

// texts are the string literals of this program.
func texts(t *testing.T) map[string]bool {
	t.Helper()
	files, err := filepath.Glob("*.go")
	require.NoError(t, err)
	all := map[string]bool{}
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		f, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
		require.NoError(t, err)
		ast.Inspect(f, func(n ast.Node) bool {
			if lit, ok := n.(*ast.BasicLit); ok && lit.Kind == token.STRING {
				text, err := strconv.Unquote(lit.Value)
				require.NoError(t, err)
				all[text] = true
			}
			return true
		})
	}
	for _, event := range httphook.Events() {
		all["hook."+event] = true
	}
	return all
}

// The configuration says of each setting that is not read that it has no effect, and of no other; but options of streams
// are read for parts that are not there, and so are the URLs of their hooks.
func TestSettingsOfNoEffect(t *testing.T) {
	read := texts(t)
	for _, k := range config.Keys() {
		section, name, _ := strings.Cut(k.Name, ".")
		kept := section == "protocol" || strings.HasPrefix(k.Name, "hook.on_")
		switch {
		case k.NoEffect:
			require.Contains(t, k.Comment, "of no effect", k.Name)
			require.False(t, !kept && read[k.Name], "%s is read", k.Name)
		default:
			require.NotContains(t, k.Comment, "of no effect", k.Name)
			require.True(t, read[k.Name] || kept && read[name], "%s is not read", k.Name)
		}
	}
}
