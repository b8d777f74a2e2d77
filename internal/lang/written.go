package lang

// written puts what macros stand for in the place of their calls.
func written(n Node) Node {
	switch n := n.(type) {
	case Call:
		return n.root
	case Not:
		return Not{written(n.Node)}
	case And:
		return joined(n)
	case Or:
		return joined(n)
	}
	return n
}

func joined[T And | Or](nodes T) Node {
	var out T
	for _, n := range nodes {
		w := written(n)
		if t, ok := w.(T); ok {
			out = append(out, t...)
		} else {
			out = append(out, w)
		}
	}
	return any(out).(Node)
}

func parts(n Node) int {
	size := 1
	switch n := n.(type) {
	case Not:
		size += parts(n.Node)
	case And:
		for _, x := range n {
			size += parts(x)
		}
	case Or:
		for _, x := range n {
			size += parts(x)
		}
	case *Test:
		size += len(n.Values)
	}
	return size
}
