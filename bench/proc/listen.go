package proc

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"net"
	"os"
	"slices"
	"strconv"
	"strings"
)

// listening is the code for the state of a listening socket in /proc/net/tcp.
const listening = "0A"

// Listening returns the processes that listen on a TCP port at the given host. If host is not an IP address, all
// addresses match.
func (f FS) Listening(host string, port int) ([]int, error) {
	if err := f.available(); err != nil {
		return nil, err
	}
	sockets := map[string]bool{}
	for _, table := range []string{"net/tcp", "net/tcp6"} {
		text, err := os.ReadFile(f.root + "/" + table)
		if err != nil {
			continue // no IPv6
		}
		for _, inode := range listeners(string(text), net.ParseIP(host), port) {
			sockets["socket:["+inode+"]"] = true
		}
	}
	if len(sockets) == 0 {
		return nil, nil
	}
	pids, err := f.pids()
	if err != nil {
		return nil, err
	}
	var owners []int
	for _, pid := range pids {
		if f.holds(pid, sockets) {
			owners = append(owners, pid)
		}
	}
	slices.Sort(owners)
	return owners, nil
}

// listeners returns the inodes of the matching listening sockets in a table such as /proc/net/tcp.
func listeners(table string, host net.IP, port int) []string {
	var inodes []string
	for line := range strings.SplitSeq(table, "\n") {
		fields := strings.Fields(line)
		if len(fields) < 10 || fields[3] != listening {
			continue
		}
		address, number, err := parseAddress(fields[1])
		if err == nil && number == port && (host == nil || address.IsUnspecified() || address.Equal(host)) {
			inodes = append(inodes, fields[9])
		}
	}
	return inodes
}

// parseAddress parses addresses such as 0100007F:1F90. The 32-bit words of an address are in the machine's byte order,
// which is little-endian on every platform we support.
func parseAddress(text string) (net.IP, int, error) {
	host, number, found := strings.Cut(text, ":")
	bytes, err := hex.DecodeString(host)
	if !found || err != nil || len(bytes) != net.IPv4len && len(bytes) != net.IPv6len {
		return nil, 0, fmt.Errorf("invalid address: %q", text)
	}
	port, err := strconv.ParseUint(number, 16, 16)
	if err != nil {
		return nil, 0, fmt.Errorf("invalid port: %q", text)
	}
	for word := 0; word < len(bytes); word += 4 {
		binary.BigEndian.PutUint32(bytes[word:], binary.LittleEndian.Uint32(bytes[word:]))
	}
	return bytes, int(port), nil
}

func (f FS) holds(pid int, sockets map[string]bool) bool {
	folder := f.path(pid, "fd")
	entries, err := os.ReadDir(folder)
	if err != nil {
		return false // the process belongs to another user, or has exited
	}
	for _, entry := range entries {
		if target, err := os.Readlink(folder + "/" + entry.Name()); err == nil && sockets[target] {
			return true
		}
	}
	return false
}
