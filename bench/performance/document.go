package performance

import (
	_ "embed" // the texts
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

// page is what the template is given.
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

// section is one series.
type section struct{ Title, Text, Table string }

// document makes docs/performance.md.
func (r *Results) document() (string, error) {
	parsed, err := template.New("page").Option("missingkey=error").Parse(pageText)
	if err != nil {
		return "", err
	}
	model := energy.CloudCarbonFootprint()
	p := page{
		R: r, Headline: r.headline(), Date: r.Date.UTC().Format("2 January 2006"), Took: took(r.Took), Rounds: r.Plan.Rounds,
		Seconds: seconds(r.Plan.Measured), Warmup: seconds(r.Plan.Warmup), Slow: r.Plan.Slow.text(),
		Targets: r.targetTable(), Notes: strings.ReplaceAll(notes, "](../../", "](../"), // its links lead from where it lies
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

// text says what is different at the family's rates, and nothing of results in which nothing was.
func (p slowPlan) text() string {
	if p.Rounds == 0 {
		return ""
	}
	return fmt.Sprintf("; at the family's rates %d valid runs of at least %s and %d iterations", p.Rounds, seconds(p.Measured), p.Iterations)
}

func took(s float64) string {
	if s < 120 {
		return fmt.Sprintf("%.0f seconds", s)
	}
	return fmt.Sprintf("%.0f minutes", s/60)
}

// headline counts.
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
		{"cores taken by strangers, median and most of the valid runs", r.taken(strangers)},
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

// taken says what share of the cores somebody else took in the valid runs.
func (r *Results) taken(figure string) string {
	var all Figure
	for _, s := range r.Series {
		for _, c := range s.Cells {
			all = append(all, c.Figures[figure]...)
		}
	}
	if len(all) == 0 {
		return "not measured: these results are older than the rule on them"
	}
	return fmt.Sprintf("%s %%, %s %%", number(all.Median()), number(all.Most()))
}

// titles say what each series is.
func titles() map[string][2]string {
	return map[string][2]string{
		at32:        {"`execute_fight`, 32 connections", "MongoDB's place is taken by FerretDB."},
		at32All:     {"`execute_fight`, 32 connections, services on all cores", ""},
		at128:       {"`execute_fight`, 128 connections", ""},
		at1:         {"`execute_fight`, 1 connection", "With one connection each answer finds its process asleep, and nothing to share: the floor costs more there, too."},
		randomHero:  {"`random_hero`, one service of heroes on PostgreSQL", ""},
		tail:        {"Latency at 80 % of saturation", "Saturation is the closed model's throughput at 32 connections, the median of three runs just before."},
		connections: {"By connections", ""},
		roster:      {"By size of the roster, `up` on SQLite", "So many heroes and so many villains, in strict: every pick is read."},
		rosterAlone: {"By size of the roster, heroes on PostgreSQL", ""},
		stored:      {"By fights stored, `up` on SQLite", "The store without fights is made anew for each run; the others grow by the fights of their runs."},
		instances:   {"Several processes of fights behind one store", "Connections, 32 where no number is named, are handed to them in turn by a forwarder in the generator's process."},
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

// parts shows the CPU time by process, where there are several.
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

// modelText is the section on more than one machine.
func (r *Results) modelText() string {
	u, err := unitCostsOf(r.cell(instances, instanceName(1)))
	if err != nil {
		return fmt.Sprintf("There is none: the series behind it is %s.\n", absent(err))
	}
	largest := u.forecast(modelRates()[len(modelRates())-1])
	store, checks := largest.tiers[0], r.checkTable()
	return fmt.Sprintf(`What one fight costs in four processes, eco, with one process of fights: %s us of CPU in fights, %s us in the three catalogs,
%s us in the store of fights (FerretDB, in MongoDB's place); %s bytes sent to storage, %s bytes and
%s packets on the network, with what the load generator sends and receives. The catalogs' stores took %s cores
meanwhile, which doesn't grow with the fights. Multiplied:

%s
A node is assumed to have %.0f cores, of which %.0f %% may be used, %.0f Gbit/s and %.0f million packets a second, and to write
%s MB/s durably: round figures of what can be rented, not of anything measured here.

What carries it: **fights** and the **catalogs** keep nothing that another process needs, so they are scaled by adding
processes (Kubernetes' horizontal autoscaler on CPU does it). The catalogs' own **stores** are read only when something has
changed, whatever the rate: one PostgreSQL and one MariaDB do, replicas (PostgreSQL's streaming replication, read by more
processes of heroes and villains) are for availability rather than load. In strict each pick is a read by primary key,
which replicas do carry. The **store of fights** takes every fight durably and is one machine until it is sharded: a MongoDB
cluster sharded by the hashed id of the fight spreads writes evenly, for ids are made in the process and no write needs another
shard; at a million a second the figures above make it %s. Counting and paging through all fights then ask every shard.

The check, on this machine: several processes of fights behind one store. The model says that a fight costs what it did in one
process, which was loaded by 32 connections; so each of several has as many. With 32 for all of them together smaller
groups of fights share a write, and a batch of picks, and each costs more: the model leaves that out, and holds for processes
that are added when those there are busy.

%s`, number(u.fights), number(u.catalogs), number(u.fightStore), number(u.storage), number(u.wire), number(u.packets), number(u.catalogStores),
		u.modelTable(), nodeCores, 100*nodeUse, networkBytes*8/0.96/1e9, networkFrames/1e6, number(diskBytes/1e6), nodes(store), checks)
}

// write makes every document below the folder, as in docs, and README.md's figures beside it.
func (r *Results) write(folder string) error {
	text, err := r.document()
	if err != nil {
		return fmt.Errorf("making the document: %w", err)
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
