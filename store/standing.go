package store

import "slices"

// standing tells which of a folder's segments count. names are all that are there,
// known those that can be read.
//
// A step puts a group of files in the place of others: first the group's first
// file comes, which names the others, then the rest of the group, and when all
// are there the others go, before any of the group may. So a group of which one
// is missing, while something that it replaces is there, is a step that did not
// end: it does not count, and is to be removed, its first file last. Else the
// group counts, and what it replaces does not.
func standing(names []string, known map[string]*segment) (live, gone []*segment) {
	there := make(map[string]bool, len(names))
	for _, n := range names {
		there[n] = true
	}
	undone, replaced := map[string]bool{}, map[string]bool{}
	for _, n := range names {
		g := known[n]
		if g == nil {
			continue
		}
		of := group(n)
		if len(of) > 0 && of[0] == n && !all(of, there) && some(g.manifest.Replaces, there) {
			for _, name := range slices.Backward(of) {
				undone[name] = true
				if known[name] != nil {
					gone = append(gone, known[name])
				}
			}
		}
	}
	for _, n := range names {
		if g := known[n]; g != nil && !undone[n] {
			for _, old := range g.manifest.Replaces {
				replaced[old] = true
			}
		}
	}
	for _, n := range names {
		if g := known[n]; g != nil && !undone[n] {
			if replaced[n] {
				gone = append(gone, g)
			} else {
				live = append(live, g)
			}
		}
	}
	return live, gone
}

func all(names []string, there map[string]bool) bool {
	for _, n := range names {
		if !there[n] {
			return false
		}
	}
	return true
}

func some(names []string, there map[string]bool) bool {
	for _, n := range names {
		if there[n] {
			return true
		}
	}
	return false
}
