// Package deploy holds what an installation needs: container images, the
// compose file's parts, systemd units, examples. The collector's unit is handed
// to the program that installs itself with it. Nothing here runs, so nothing
// can be under pressure.
package deploy

import _ "embed"

// CollectorUnit is the systemd unit of the collector, with the usual paths.
//
//go:embed systemd/mimamori-collector.service
var CollectorUnit string
