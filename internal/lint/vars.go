package lint

import (
	"go/ast"
	"go/token"
	"strings"
)

// registries are the package variables that may hold state, each with why.
var registries = map[string]string{
	"event.fields":       "the field registry: copy on write, bounded by MaxFields",
	"event.nestingCache": "the JSON order of the field registry, made again when it grows",
}

// state are packages whose values in a package variable are loggers, clocks,
// locks, counters or connections: things that are passed in.
var state = map[string]string{
	"log": "logger", "log/slog": "logger", "sync": "lock or pool", "sync/atomic": "counter", "expvar": "metric",
	"math/rand": "generator", "math/rand/v2": "generator", "net/http": "client or server", "os": "look at the machine",
	"database/sql": "connection", "context": "context", "net": "connection", "github.com/prometheus/client_golang/prometheus": "metric",
}

// pure are names of those packages that hold no state.
var pure = map[string]bool{
	"sync.OnceValue": true, "sync.OnceValues": true,
	"net.IPv4": true, "net.IPNet": true, "net.IPMask": true, "net.CIDRMask": true,
}

// clock are the functions that ask the machine for the time.
var clock = map[string]bool{"Now": true, "Since": true, "Until": true, "NewTicker": true, "NewTimer": true, "After": true, "Tick": true}

func packageVariables(t *tree) []finding {
	var out []finding
	for _, files := range packages(t.written(false)) {
		funcs := map[string]*ast.FuncDecl{}
		for _, s := range files {
			for _, d := range s.file.Decls {
				if f, ok := d.(*ast.FuncDecl); ok && f.Recv == nil {
					funcs[f.Name.Name] = f
				}
			}
		}
		for _, s := range files {
			eachVar(s, func(d *ast.GenDecl, spec *ast.ValueSpec, i int) {
				name := spec.Names[i]
				if why := refuseVar(s, d, spec, i, funcs); why != "" && registries[s.dir+"."+name.Name] == "" {
					out = append(out, s.at(name, "package variable %s %s", name.Name, why))
				}
			})
		}
	}
	return out
}

// eachVar visits the package variables of a file.
func eachVar(s *source, visit func(d *ast.GenDecl, spec *ast.ValueSpec, i int)) {
	for _, d := range s.file.Decls {
		if g, ok := d.(*ast.GenDecl); ok && g.Tok == token.VAR {
			for _, spec := range g.Specs {
				vs := spec.(*ast.ValueSpec)
				for i, name := range vs.Names {
					if name.Name != "_" {
						visit(g, vs, i)
					}
				}
			}
		}
	}
}

// refuseVar says why a package variable is not allowed, "" when it is.
func refuseVar(s *source, d *ast.GenDecl, spec *ast.ValueSpec, i int, funcs map[string]*ast.FuncDecl) string {
	name := spec.Names[i].Name
	embedded := d.Doc != nil && strings.HasPrefix(d.Doc.List[len(d.Doc.List)-1].Text, "//go:embed") ||
		spec.Doc != nil && strings.HasPrefix(spec.Doc.List[len(spec.Doc.List)-1].Text, "//go:embed")
	if embedded {
		return ""
	}
	if spec.Type != nil {
		if what := holds(s, spec.Type); what != "" {
			return "holds a " + what + ": make it a field of the type that needs it, passed in by its constructor"
		}
	}
	if len(spec.Values) == 0 {
		return "has no value and so is set at run time: make it a field of the type that needs it"
	}
	value := spec.Values[min(i, len(spec.Values)-1)]
	if what := holds(s, value); what != "" {
		return "holds a " + what + ": make it a field of the type that needs it, passed in by its constructor"
	}
	switch v := value.(type) {
	case *ast.BasicLit:
		if name == "version" && s.file.Name.Name == "main" {
			return "" // set by the linker
		}
		return "is a plain value: make it a constant"
	case *ast.FuncLit:
		return "is a function that can be exchanged: declare a function"
	case *ast.UnaryExpr:
		if v.Op == token.AND {
			return "points to something that can change: make it a value, or a field of the type that needs it"
		}
	case *ast.CallExpr:
		return refuseCall(s, name, v, funcs)
	}
	return ""
}

// refuseCall judges a variable that a call computes.
func refuseCall(s *source, name string, call *ast.CallExpr, funcs map[string]*ast.FuncDecl) string {
	if pkg, fn := s.selected(call.Fun); pkg == "errors" && fn == "New" && !strings.HasPrefix(strings.ToLower(name), "err") {
		return "is a sentinel error: let its name begin with Err"
	}
	id, ok := call.Fun.(*ast.Ident)
	if !ok {
		return ""
	}
	if id.Name == "make" || id.Name == "new" {
		return "is empty at first and so is filled at run time: compute the table in one expression or function, or make it a field"
	}
	if f := funcs[id.Name]; f != nil && f.Type.Results != nil {
		if _, ok := f.Type.Results.List[0].Type.(*ast.StarExpr); ok {
			return "points to something that can change: make it a value, or a field; a true registry is entered in internal/lint/vars.go with its reason"
		}
	}
	return ""
}

// holds names the state that a type or value has, "" for none. The bodies of
// functions in a table do not count: they run later.
func holds(s *source, e ast.Expr) string {
	what := ""
	ast.Inspect(e, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.FuncLit, *ast.FuncType:
			return false
		case *ast.ChanType:
			what = "channel"
		case *ast.SelectorExpr:
			pkg, name := s.selected(n)
			switch {
			case pkg == "time" && clock[name]:
				what = "clock"
			case state[pkg] != "" && !pure[pkg+"."+name] && !strings.HasPrefix(name, "Err") && !isConstant(name, pkg):
				what = state[pkg]
			}
		}
		return what == ""
	})
	return what
}

// isConstant tells names of constants in the packages of state.
func isConstant(name, pkg string) bool {
	return pkg == "net/http" && (strings.HasPrefix(name, "Status") || strings.HasPrefix(name, "Method")) ||
		pkg == "os" && (strings.HasPrefix(name, "O_") || strings.HasPrefix(name, "Mode")) || pkg == "log/slog" && strings.HasPrefix(name, "Level")
}
