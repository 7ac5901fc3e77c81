package performance

import (
	_ "embed" // for the template and the notes
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"text/template"
	"time"

	"superheroes/bench/energy"
)

//go:embed performance.md.tmpl
var pageText string

//go:embed notes.md
var notes string

// page is the data of the template.
type page struct {
	R                       *Results
	Headline, Date, Took    string
	Rounds                  int
	Seconds, Warmup, Slow   string
	Targets, Notes, Machine string
	Series                  []section
	Parts, Idle             string
	Meter, Source, Energy   string
	Watts                   string
	Model                   string
}

// section is the section about one series.
type section struct{ Title, Text, Table string }

// document renders docs/performance.md.
func (r *Results) document() (string, error) {
	parsed, err := template.New("page").Option("missingkey=error").Parse(pageText)
	if err != nil {
		return "", err
	}
	model := energy.CloudCarbonFootprint()
	p := page{
		R: r, Headline: r.headline(), Date: r.Date.UTC().Format("2 January 2006"), Took: took(r.Took), Rounds: r.Plan.Rounds,
		Seconds: seconds(r.Plan.Measured), Warmup: seconds(r.Plan.Warmup), Slow: r.Plan.Slow.text(),
		Targets: r.targetTable(), Notes: strings.ReplaceAll(notes, "](../../", "](../"), // links in notes.md are relative to its own folder
		Machine: r.machineTable(), Series: r.sections(),
		Parts: r.parts(), Idle: r.idleTable(), Meter: r.Meter, Source: model.Source, Watts: number(model.Watts),
		Energy: r.energyTable(), Model: r.modelText(),
	}
	var text strings.Builder
	if err := parsed.Execute(&text, p); err != nil {
		return "", err
	}
	return text.String(), nil
}

func seconds(d time.Duration) string { return fmt.Sprintf("%g s", d.Seconds()) }

// text describes how runs at the family's rates differ, or returns "" for results without a slow plan.
func (p slowPlan) text() string {
	if p.Rounds == 0 {
		return ""
	}
	return fmt.Sprintf("; at the family's rates, %d valid runs of at least %s and %d iterations", p.Rounds, seconds(p.Measured), p.Iterations)
}

func took(s float64) string {
	if s < 120 {
		return fmt.Sprintf("%.0f seconds", s)
	}
	return fmt.Sprintf("%.0f minutes", s/60)
}

// headline summarizes how many targets were met.
func (r *Results) headline() string {
	counts := map[verdict]int{}
	total := 0
	for _, t := range r.targets() {
		if t.Aside {
			continue
		}
		total++
		if t.Verdict == met || t.Verdict == notMet {
			counts[t.Verdict]++
		} else {
			counts[void]++
		}
	}
	text := fmt.Sprintf("%d targets: %d met, %d not met", total, counts[met], counts[notMet])
	if counts[void] > 0 {
		text += fmt.Sprintf(", %d without a figure", counts[void])
	}
	return text + "."
}

func (r *Results) machineTable() string {
	m := r.Machine
	rows := [][]string{
		{"CPU", orDash(m.CPU)}, {"cores", fmt.Sprint(m.Cores)}, {"memory", fmt.Sprintf("%.0f GiB", m.Memory)}, {"kernel", orDash(m.Kernel)},
		{"Go", m.Go}, {"load average before", number(m.Load)},
		{"cores taken by strangers, median and maximum over the valid runs", r.taken(strangers)},
		{"cores taken by the hypervisor (steal), likewise", r.taken(steal)},
	}
	for _, name := range r.Stores {
		rows = append(rows, []string{"store", name})
	}
	for _, e := range experiments() {
		if reason := r.Missing[e.name]; reason != "" {
			rows = append(rows, []string{e.name, "not measured: " + reason})
		}
	}
	return table([]string{"", ""}, rows)
}

// taken returns the share of the cores that others took during the valid runs.
func (r *Results) taken(figure string) string {
	var all Figure
	for _, s := range r.Series {
		for _, c := range s.Cells {
			all = append(all, c.Figures[figure]...)
		}
	}
	if len(all) == 0 {
		return "not measured: these results predate this measurement"
	}
	return fmt.Sprintf("%s %%, %s %%", number(all.Median()), number(all.Most()))
}

// titles returns the title of each series, and a remark.
func titles() map[string][2]string {
	return map[string][2]string{
		at32:        {"`execute_fight`, 32 connections", "FerretDB stands in for MongoDB."},
		at32All:     {"`execute_fight`, 32 connections, services on all cores", ""},
		at128:       {"`execute_fight`, 128 connections", ""},
		at1:         {"`execute_fight`, 1 connection", "With one connection, every response has to wake a sleeping process, and there is no other work to amortize the wake-up over, so the floor also costs more there."},
		randomHero:  {"`random_hero`, one heroes service on PostgreSQL", ""},
		tail:        {"Latency at 80 % of saturation", "Saturation is the closed model's throughput at 32 connections, the median of three runs just before."},
		connections: {"By number of connections", ""},
		roster:      {"By roster size, `up` on SQLite", "The given number of heroes and of villains, in strict: every pick is a database read."},
		rosterAlone: {"By roster size, heroes on PostgreSQL", ""},
		stored:      {"By stored fights, `up` on SQLite", "The empty store is recreated for each run; the others grow by the fights of their runs."},
		instances:   {"Several fights processes on one store", "A forwarder in the generator's process distributes the connections among them in turn; there are 32 unless another number is given."},
	}
}

func (r *Results) sections() []section {
	var all []section
	for _, e := range experiments() {
		title, known := titles()[e.name]
		s := r.series(e.name)
		if !known || s == nil {
			continue
		}
		text := title[1]
		if text != "" {
			text += "\n"
		}
		all = append(all, section{title[0], text, s.table()})
	}
	return all
}

// parts returns the table of CPU time by process, for series with several.
func (r *Results) parts() string {
	var cells []Cell
	for _, name := range []string{at32, at32All, at128, instances} {
		if s := r.series(name); s != nil {
			for _, c := range s.Cells {
				if c.Floor != "" {
					suffix := fmt.Sprintf(", %d connections", c.Connections)
					c.Name = strings.TrimSuffix(c.Name, suffix) + suffix
					cells = append(cells, c)
				}
			}
		}
	}
	return (&Series{Cells: cells}).partsTable(allParts())
}

// modelText returns the section about more than one machine.
func (r *Results) modelText() string {
	u, err := unitCostsOf(r.cell(instances, instanceName(1)))
	if err != nil {
		return fmt.Sprintf("Not available: the series it is based on is %s.\n", absent(err))
	}
	largest := u.forecast(modelRates()[len(modelRates())-1])
	store, checks := largest.tiers[0], r.checkTable()
	return fmt.Sprintf(`The cost of one fight with four processes, eco, and one fights process: %s us of CPU in fights, %s us in the three catalogs,
%s us in the fight store (FerretDB, standing in for MongoDB); %s bytes written to storage; %s bytes and
%s packets on the network, including the traffic of the load generator. The catalogs' stores used %s cores
meanwhile, which doesn't grow with the number of fights. Multiplied:

%s
A node is assumed to have %.0f cores, of which %.0f %% may be used, %.0f Gbit/s and %.0f million packets per second, and to write
%s MB/s durably: round figures for machines that can be rented, not measured here.

How it scales: **fights** and the **catalogs** hold no state that another process needs, so they scale by adding processes, for
example with Kubernetes' horizontal autoscaler on CPU. The catalogs' **stores** are read only when something has changed,
whatever the rate: one PostgreSQL and one MariaDB are enough, and replicas (PostgreSQL's streaming replication, read by more
heroes and villains processes) serve availability rather than load. In strict, each pick is a read by primary key, which
replicas can serve. The **fight store** persists every fight durably and runs on a single machine until it is sharded. A MongoDB
cluster sharded by the hashed id of the fight spreads writes evenly, because ids are generated in-process and each write touches
only one shard. At a million fights per second, the figures above imply %s. Counting and paging through all fights then query
every shard.

The check, on this machine: several fights processes on one store. The model assumes that a fight costs as much as with one
process, which was loaded with 32 connections; so each of the several processes gets 32 as well. With 32 in total, fewer fights
share a write and a batch of picks, so each costs more. The model ignores that: it holds for processes that are added when the
existing ones are busy.

%s`, number(u.fights), number(u.catalogs), number(u.fightStore), number(u.storage), number(u.wire), number(u.packets), number(u.catalogStores),
		u.modelTable(), nodeCores, 100*nodeUse, networkBytes*8/0.96/1e9, networkFrames/1e6, number(diskBytes/1e6), nodes(store), checks)
}

// write writes all documents to the folder, such as docs, and updates the figures in the README.md next to it.
func (r *Results) write(folder string) error {
	text, err := r.document()
	if err != nil {
		return fmt.Errorf("rendering the document: %w", err)
	}
	pictures := filepath.Join(folder, "performance")
	if err := os.MkdirAll(pictures, 0o755); err != nil {
		return err
	}
	if err := r.save(filepath.Join(pictures, "results.json")); err != nil {
		return err
	}
	if err := r.draw(pictures); err != nil {
		return fmt.Errorf("drawing: %w", err)
	}
	if err := os.WriteFile(filepath.Join(folder, "performance.md"), []byte(text), 0o644); err != nil {
		return err
	}
	return r.writeReadme(filepath.Join(folder, "..", "README.md"))
}
