//go:build !linux || !(amd64 || arm64)

package collector

import "net"

// udpDrops is not known on this system.
func udpDrops(*net.UDPConn) (uint32, bool) { return 0, false }

// udpWiden is not known on this system.
func udpWiden(*net.UDPConn, int) (int, bool) { return 0, false }
