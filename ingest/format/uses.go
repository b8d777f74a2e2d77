package format

// Uses tells how many formats name a key, by any of its spellings: to recognise
// a line, or to map it.
func (s *Set) Uses(key string) (n int) {
	for _, f := range s.formats {
		named := f.keys[key] != nil || f.exact[key] != ""
		for i := range f.alts {
			for _, k := range f.alts[i].allKeys() {
				named = named || k == key
			}
		}
		if named {
			n++
		}
	}
	return n
}
