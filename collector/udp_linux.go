//go:build linux && (amd64 || arm64)

package collector

import (
	"net"
	"syscall"
	"unsafe"
)

// Of asm-generic/socket.h and linux/sock_diag.h, which package syscall lacks.
const (
	soMeminfo     = 55 // an array of counters, since Linux 4.12
	meminfoDrops  = 8  // SK_MEMINFO_DROPS
	meminfoFields = 9  // SK_MEMINFO_VARS
)

// udpDrops asks how many datagrams for this socket the kernel has dropped since
// it was opened, modulo 2^32.
func udpDrops(conn *net.UDPConn) (uint32, bool) {
	var info [meminfoFields]uint32
	size := uint32(unsafe.Sizeof(info))
	ok := false
	control(conn, func(fd uintptr) {
		_, _, errno := syscall.Syscall6(syscall.SYS_GETSOCKOPT, fd, syscall.SOL_SOCKET, soMeminfo,
			uintptr(unsafe.Pointer(&info[0])), uintptr(unsafe.Pointer(&size)), 0)
		ok = errno == 0 && size >= uint32(unsafe.Sizeof(info))
	})
	return info[meminfoDrops], ok
}

// udpWiden asks for a buffer beyond the system's limit, which root may have,
// and returns how large it is.
func udpWiden(conn *net.UDPConn, size int) (given int, ok bool) {
	control(conn, func(fd uintptr) {
		_ = syscall.SetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_RCVBUFFORCE, size) // without the right for it, what there is stays
		n, err := syscall.GetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_RCVBUF)
		given, ok = n/2, err == nil // the kernel doubles it for its own book-keeping
	})
	return given, ok
}

func control(conn *net.UDPConn, do func(fd uintptr)) {
	if raw, err := conn.SyscallConn(); err == nil {
		_ = raw.Control(do) // a closed socket tells nothing
	}
}
