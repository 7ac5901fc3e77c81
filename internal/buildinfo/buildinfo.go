// Package buildinfo names the version of a program, for the service and for the bench.
package buildinfo

import "runtime/debug"

// Version returns the release, where the build has set one, or else the revision that the toolchain knows of the source.
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
