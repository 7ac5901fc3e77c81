package measure

import (
	"cmp"
	"errors"
	"fmt"
	"net"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"superheroes/bench/proc"
	"superheroes/bench/rawhttp"
)

// Target is a running member of the family.
type Target struct {
	Name string             // its name in reports
	URLs map[Service]string // base URLs such as http://host:port; "" is the key for all services that aren't listed
	PIDs []int              // the target's processes; if empty, the processes on this host that listen on its ports
	// StorePIDs are the target's database processes, which are reported in separate columns.
	StorePIDs []int
	// StoreNames say what the stores are; if empty, they are the names of the database processes.
	StoreNames []string
	// Count is the MongoDB database in which the target's fights are counted, or nil to ask the target.
	Count *Collection

	shape     shape    // of its API; filled in later
	profile   string   // profile reported by the health pages; filled in later
	unseen    string   // why some of the target's processes, and so the share of unrelated processes, are unknown
	uncovered []string // services that CPU and memory do not cover if they are separate processes
	hidden    bool     // whether the unknown processes are on this host
}

// processes returns the PIDs of all known processes of the target, each the root of a process tree.
func (t Target) processes() []int { return slices.Concat(t.PIDs, t.StorePIDs) }

// ParseTarget parses a base URL or comma-separated name=value pairs: heroes, villains, locations and fights for their
// base URLs, url for the base URL of all other services, pid, store-pid and store (each may be repeated), count, and
// name. Errors don't quote the input, since a rejected URL may contain a password.
func ParseTarget(text string) (Target, error) {
	t := Target{URLs: map[Service]string{}}
	if !strings.Contains(text, "=") {
		text = "url=" + text
	}
	for part := range strings.SplitSeq(text, ",") {
		key, value, _ := strings.Cut(part, "=")
		if err := t.set(key, value); err != nil {
			return Target{}, err
		}
	}
	if len(t.URLs) == 0 {
		return Target{}, errors.New("missing URL of the target")
	}
	t.Name = cmp.Or(t.Name, t.bases()[0])
	return t, nil
}

func (t *Target) set(key, value string) (err error) {
	switch key {
	case "name":
		t.Name = value
		return nil
	case "pid":
		return addPID(&t.PIDs, key, value)
	case "store-pid":
		return addPID(&t.StorePIDs, key, value)
	case "store":
		t.StoreNames = append(t.StoreNames, value)
		return nil
	case "count":
		if t.Count, err = ParseCollection(value); err != nil {
			return fmt.Errorf("%s %w", key, err)
		}
		return nil
	}
	service := Service(key)
	if key == "url" {
		service = ""
	} else if !slices.Contains(Services(), service) {
		return errors.New("a target must be http://host:port, or name=value pairs with the names " +
			"url, fights, heroes, villains, locations, pid, store-pid, store, count and name")
	}
	base := strings.TrimSuffix(value, "/")
	if _, err := rawhttp.New(base, 0); err != nil {
		return fmt.Errorf("%s %w", key, err)
	}
	t.URLs[service] = base
	return nil
}

func addPID(pids *[]int, key, value string) error {
	pid, err := strconv.Atoi(value)
	if err != nil || pid < 1 {
		return fmt.Errorf("%s must be a process ID", key)
	}
	*pids = append(*pids, pid)
	return nil
}

// bases returns the target's base URLs without duplicates.
func (t Target) bases() []string {
	var all []string
	for _, service := range append(Services(), "") {
		if base := t.URLs[service]; base != "" && !slices.Contains(all, base) {
			all = append(all, base)
		}
	}
	return all
}

// URL returns the base URL of a service, or "" if it isn't known.
func (t Target) URL(service Service) string {
	return cmp.Or(t.URLs[service], t.URLs[""])
}

// needs returns an error if the mix uses a service whose address isn't known.
func (t Target) needs(mix Mix) error {
	for _, a := range mix.turns {
		if t.URL(a.service) == "" {
			return fmt.Errorf("%s needs the address of %s, but %s has none", a.name, a.service, t.Name)
		}
	}
	return nil
}

// find fills in the processes that listen on the target's ports on this host, unless processes were given. It returns
// the addresses at which it found no process; the figures don't cover the services at these addresses.
func (t *Target) find(system proc.FS) (unserved []string, err error) {
	if len(t.PIDs) > 0 {
		return nil, nil
	}
	for _, base := range t.bases() {
		pids, err := listeners(system, base)
		if err != nil {
			return nil, err
		}
		if len(pids) == 0 {
			unserved = append(unserved, base)
		}
		for _, pid := range pids {
			if pid != selfPID() && !slices.Contains(t.PIDs, pid) {
				t.PIDs = append(t.PIDs, pid)
			}
		}
	}
	return unserved, nil
}

// listeners returns the processes on this host that listen on the address of a base URL, except processes that only
// forward to a container.
func listeners(system proc.FS, base string) ([]int, error) {
	if !local(base) {
		return nil, nil
	}
	at, err := url.Parse(base)
	if err != nil {
		return nil, err
	}
	port, err := strconv.Atoi(at.Port())
	if err != nil {
		port = 80
	}
	pids, err := system.Listening(at.Hostname(), port)
	if err != nil || len(pids) == 0 {
		return nil, err
	}
	tree, err := system.Tree(pids)
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(pids, func(pid int) bool {
		return slices.ContainsFunc(tree, func(p proc.Process) bool { return p.PID == pid && forwards(p.Name) })
	}), nil
}

// forwards reports whether a process with the given name only listens on behalf of a container.
func forwards(name string) bool {
	forwarders := []string{"docker-proxy", "rootlessport", "rootlesskit", "slirp4netns", "pasta", "pasta.avx2"}
	return slices.Contains(forwarders, name)
}

// unnamed returns the services that the fights service depends on but for which the target has no separate address.
func (t Target) unnamed() []string {
	var services []string
	for _, service := range []Service{Heroes, Villains, Locations} {
		if t.URLs[service] == "" {
			services = append(services, string(service))
		}
	}
	return services
}

// local reports whether a base URL points to this host: to loopback or to one of the host's addresses.
func local(base string) bool {
	at, err := url.Parse(base)
	if err != nil {
		return false
	}
	host := at.Hostname()
	if host == "localhost" {
		return true
	}
	ip := net.ParseIP(host)
	if ip == nil {
		return false
	}
	own, err := net.InterfaceAddrs()
	if err != nil {
		return ip.IsLoopback()
	}
	return ip.IsLoopback() || slices.ContainsFunc(own, func(a net.Addr) bool {
		network, ok := a.(*net.IPNet)
		return ok && network.IP.Equal(ip)
	})
}
