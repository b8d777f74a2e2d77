package care

import "runtime/debug"

// Version is the version of the running program, or the commit it was built of.
func Version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	return info.Main.Version
}
