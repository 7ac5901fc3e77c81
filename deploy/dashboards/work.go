package main

import "github.com/grafana/grafana-foundation-sdk/go/dashboard"

// perFight divides a per-process rate by the fight rate of the whole system.
const perFight = " / on (job) group_left () " +
	"sum by (job) (rate(superheroes_fights_acknowledged_total{$all}[$__rate_interval]))"

// work returns the dashboard that compares what the same work costs in two versions, profiles or frameworks.
func work() board {
	return board{
		name: "work", title: "energy and equal work",
		description: "What one fight costs, and whether two systems did the same work. " +
			"Compare them under the same load, in a time range without other load, and select all instances. " +
			"The cost of a fight is the sum over all processes of the job, excluding the databases.",
		variables: []*dashboard.TextBoxVariableBuilder{
			dashboard.NewTextBoxVariableBuilder("watts").Label("Watts per busy core").
				Description("Additional power drawn by one busy core, as measured or from the processor's data sheet.").
				DefaultValue(dashboard.StringOrMap{String: new("10")}),
		},
		rows: []row{
			{"The work", theWork()}, {"CPU and energy", energy()}, {"Memory", allocations()}, {"Work per fight", equal()},
		},
	}
}

func theWork() []panel {
	total := func(title, metric, description string) panel {
		return panel{
			title: title, unit: "short", stat: true, description: description,
			queries: []query{{legend: "{{job}}", text: "sum by (job) (increase(" + metric + "{$all}[$__range]))"}},
		}
	}
	return []panel{
		total("Fights acknowledged", "superheroes_fights_acknowledged_total",
			"Fights that were returned to clients in the time range."),
		total("Fights stored", "superheroes_fights_stored_total",
			"Fights that the store confirmed in the time range. "+
				"Two systems did the same work only if both stored every fight."),
		{
			title: "Fights counted", unit: "short", stat: true,
			description: "Fights that the statistics counted in the time range.",
			queries: []query{{
				legend: "{{job}}", text: "max by (job) (increase(superheroes_fights_counted{$all}[$__range]))",
			}},
		},
		{
			title: "Requests", unit: "short", stat: true,
			description: "Requests that the services served in the time range, excluding the arena, " +
				"which forwards requests to them.",
			queries: []query{{
				legend: "{{job}}", text: "sum by (job) (increase(" + served + "_count{$all, " + notArena + "}[$__range]))",
			}},
		},
	}
}

func energy() []panel {
	cpu := rateOf("process_cpu_seconds_total{$selected}", "job, instance")
	return []panel{
		{
			title: "CPU time per fight", unit: "s",
			description: "CPU time of each process, divided by the number of fights in the whole system.",
			queries:     []query{{legend: "{{job}} {{instance}}", text: cpu + perFight}},
		},
		{
			title: "CPU time per request", unit: "s",
			description: "CPU time of each process, divided by the number of requests that its services served, " +
				"excluding the arena, which forwards requests to them.",
			queries: []query{{
				legend: "{{job}} {{instance}}",
				text:   cpu + " / " + rateOf(served+"_count{$all, "+notArena+"}", "job, instance"),
			}},
		},
		{
			title: "Energy per fight (estimate)", unit: "joule",
			description: "CPU time per fight, multiplied by the watts per busy core set above: a model, not a measurement.",
			queries: []query{{
				legend: "{{job}}",
				text:   "$watts * " + rateOf("process_cpu_seconds_total{$selected}", "job") + perFight,
			}},
		},
	}
}

func allocations() []panel {
	perProcess := func(title, unit, counter, description string) panel {
		return panel{
			title: title, unit: unit, description: description,
			queries: []query{{
				legend: "{{job}} {{instance}}", text: rateOf(counter+"{$selected}", "job, instance") + perFight,
			}},
		}
	}
	return []panel{
		perProcess("Allocations per fight", "short", "go_memstats_mallocs_total",
			"Number of objects that each process allocates per fight."),
		perProcess("Bytes allocated per fight", "bytes", "go_memstats_alloc_bytes_total",
			"Bytes that each process allocates on the heap per fight."),
		perProcess("Garbage collections per fight", "short", "go_gc_duration_seconds_count",
			"Number of garbage collections in each process per fight."),
		perProcess("Pauses per fight", "s", "go_gc_duration_seconds_sum",
			"Time that garbage collection pauses each process per fight."),
		{
			title: "Objects freed", unit: "ops", description: "Heap objects freed per second.",
			queries: []query{{
				legend: "{{job}} {{instance}}",
				text:   rateOf("go_memstats_frees_total{$selected}", "job, instance"),
			}},
		},
		{
			title: "Resident memory", unit: "bytes", description: "Total resident memory of all processes.",
			queries: []query{{legend: "{{job}}", text: "sum by (job) (process_resident_memory_bytes{$selected})"}},
		},
	}
}

func equal() []panel {
	return []panel{
		{
			title: "Fights per second", unit: "ops", description: "Fights returned to clients per second.",
			queries: []query{{legend: "{{job}}", text: rateOf("superheroes_fights_acknowledged_total{$all}", "job")}},
		},
		{
			title: "Fights per durable write", unit: "none",
			description: "Average number of fights per write. In the eco profile, each write is one flush to disk.",
			queries:     []query{{legend: "{{job}} {{instance}}", text: mean("superheroes_commit_batch_size", "job, instance")}},
		},
		{
			title: "Picks per call", unit: "none",
			description: "Average number of picks per call to a peer in the eco profile (only between separate processes).",
			queries:     []query{{legend: "{{job}} {{peer}}", text: mean("superheroes_pick_batch_size", "job, peer")}},
		},
		{
			title: "Requests per fight", unit: "none", description: "Number of requests that each service serves per fight.",
			queries: []query{{
				legend: "{{job}} {{service}}",
				text:   rateOf(served+"_count{$selected}", "job, service") + perFight,
			}},
		},
		{
			title: "Store operations per fight", unit: "none", description: "Number of store operations per fight.",
			queries: []query{{
				legend: "{{job}} {{db_query_summary}}",
				text:   rateOf("db_client_operation_duration_seconds_count{$selected}", "job, db_query_summary") + perFight,
			}},
		},
		{
			title: "Calls to peers per fight", unit: "none",
			description: "Number of calls to each peer per fight (only between separate processes).",
			queries: []query{{
				legend: "{{job}} {{peer}}",
				text:   rateOf("http_client_request_duration_seconds_count{$selected}", "job, peer") + perFight,
			}},
		},
	}
}

// mean returns a query for the mean of a histogram's observations.
func mean(histogram, labels string) string {
	return rateOf(histogram+"_sum{$selected}", labels) + " / " + rateOf(histogram+"_count{$selected}", labels)
}
