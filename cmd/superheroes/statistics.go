package main

import (
	"fmt"

	"superheroes/internal/app"
	"superheroes/internal/statistics"
)

// statisticsCommands defines the subcommands of statistics.
type statisticsCommands struct {
	Serve   serviceCommand[app.StatisticsConfig] `cmd:"" default:"withargs" set:"addr=:8005" set:"drain_delay=3s" set:"admin_addr=" set:"mongodb_url=mongodb://superfight:superfight@fights-db:27017/fights" help:"Run the statistics service (the default)."`
	Rebuild rebuildCommand                       `cmd:"" help:"Recount all fights, even while new ones are being stored. Correct and report any differences."`
}

type rebuildCommand struct {
	app.RebuildConfig `embed:""`
}

func (c rebuildCommand) Run(s *session) error {
	ctx, stop := s.untilSignal()
	defer stop()
	report, err := app.Rebuild(ctx, c.RebuildConfig)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(s.stdout, describe(report))
	return err
}

// describe summarizes the result of a rebuild in one line.
func describe(r statistics.Report) string {
	text := fmt.Sprintf("recounted %s: ", counted(r.Fights, "fights"))
	if !r.Differed() {
		return text + "nothing differed"
	}
	text += fmt.Sprintf("corrected %s and %s", counted(r.Winners, "winners"), counted(r.Places, "locations"))
	if r.Since {
		text += ", the date of the first fight"
	}
	if r.Total != r.Corrected {
		text += fmt.Sprintf(", and the totals: %s instead of %s", sums(r.Corrected), sums(r.Total))
	}
	return text
}

func sums(s statistics.Sums) string {
	unreadable := ""
	if n := s.Unreadable(); n != 0 {
		unreadable = fmt.Sprintf(", unreadable %d", n)
	}
	return fmt.Sprintf("%d (heroes %d, villains %d%s)", s.Total, s.Heroes, s.Villains, unreadable)
}
