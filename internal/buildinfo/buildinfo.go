// Package buildinfo provides the version of the program to the services and the bench.
package buildinfo

import "runtime/debug"

// Version returns the release version if the build set one, or else the source revision.
func Version(release string) string {
	if release != "" {
		return release
	}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "devel"
	}
	for _, setting := range info.Settings {
		if setting.Key == "vcs.revision" && len(setting.Value) >= 12 {
			return "devel-" + setting.Value[:12]
		}
	}
	return "devel"
}
