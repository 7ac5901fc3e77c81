package main

import "github.com/grafana/grafana-foundation-sdk/go/dashboard"

// perFight divides the rates of processes by the rate of fights of the whole system.
const perFight = " / on (job) group_left () " +
	"sum by (job) (rate(superheroes_fights_acknowledged_total{$all}[$__rate_interval]))"

// work returns the dashboard for comparing the cost of equal work: of two versions, profiles or frameworks.
func work() board {
	return board{
		name: "work", title: "energy and equal work",
		description: "What one fight costs, and whether two systems did the same work. Compare the same load, in " +
			"a time range without " +
			"other load, and choose all instances: a fight's cost is the sum of all processes of the " +
			"job, without the databases.",
		variables: []*dashboard.TextBoxVariableBuilder{
			dashboard.NewTextBoxVariableBuilder("watts").Label("Watts per busy core").
				Description("Power that one busy core adds, from a meter or the processor's data sheet.").
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
		total("Fights acknowledged", "superheroes_fights_acknowledged_total", "Fights in the time range that clients got."),
		total("Fights stored", "superheroes_fights_stored_total",
			"Fights in the time range that the store confirmed. Systems that did equal work stored every fight."),
		{
			title: "Fights counted", unit: "short", stat: true,
			description: "Fights in the time range that the statistics counted.",
			queries: []query{{
				legend: "{{job}}", text: "max by (job) (increase(superheroes_fights_counted{$all}[$__range]))",
			}},
		},
		total("Requests", "http_server_request_duration_seconds_count",
			"Requests in the time range that all services served."),
	}
}

func energy() []panel {
	cpu := rateOf("process_cpu_seconds_total{$selected}", "job, instance")
	return []panel{
		{
			title: "CPU time per fight", unit: "s",
			description: "CPU time of each process, divided by the fights of the whole system.",
			queries:     []query{{legend: "{{job}} {{instance}}", text: cpu + perFight}},
		},
		{
			title: "CPU time per request", unit: "s",
			description: "CPU time of each process, divided by the requests that it served.",
			queries: []query{{
				legend: "{{job}} {{instance}}",
				text:   cpu + " / " + rateOf("http_server_request_duration_seconds_count{$all}", "job, instance"),
			}},
		},
		{
			title: "Energy per fight (estimate)", unit: "joule",
			description: "CPU time per fight, times the power of a busy core that is set above. It is a model, not a " +
				"measurement.",
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
			"Objects that each process allocates, per fight."),
		perProcess("Bytes allocated per fight", "bytes", "go_memstats_alloc_bytes_total",
			"Bytes that each process allocates on the heap, per fight."),
		perProcess("Garbage collections per fight", "short", "go_gc_duration_seconds_count",
			"Garbage collections of each process, per fight."),
		perProcess("Pauses per fight", "s", "go_gc_duration_seconds_sum",
			"Time that garbage collections pause each process, per fight."),
		{
			title: "Objects freed", unit: "ops", description: "Objects per second that garbage collections freed.",
			queries: []query{{
				legend: "{{job}} {{instance}}",
				text:   rateOf("go_memstats_frees_total{$selected}", "job, instance"),
			}},
		},
		{
			title: "Resident memory", unit: "bytes", description: "Memory of all processes together.",
			queries: []query{{legend: "{{job}}", text: "sum by (job) (process_resident_memory_bytes{$selected})"}},
		},
	}
}

func equal() []panel {
	return []panel{
		{
			title: "Fights per second", unit: "ops", description: "Fights that clients got.",
			queries: []query{{legend: "{{job}}", text: rateOf("superheroes_fights_acknowledged_total{$all}", "job")}},
		},
		{
			title: "Fights per durable write", unit: "none",
			description: "Fights that share one write, which in the eco profile is one flush to disk.",
			queries:     []query{{legend: "{{job}} {{instance}}", text: mean("superheroes_commit_batch_size", "job, instance")}},
		},
		{
			title: "Picks per call", unit: "none",
			description: "Picks that one call to a peer fetches in the eco profile; only between separate processes.",
			queries:     []query{{legend: "{{job}} {{peer}}", text: mean("superheroes_pick_batch_size", "job, peer")}},
		},
		{
			title: "Requests per fight", unit: "none", description: "Requests that each service serves per fight.",
			queries: []query{{
				legend: "{{job}} {{service}}",
				text:   rateOf("http_server_request_duration_seconds_count{$selected}", "job, service") + perFight,
			}},
		},
		{
			title: "Store operations per fight", unit: "none", description: "Operations on the stores per fight.",
			queries: []query{{
				legend: "{{job}} {{db_query_summary}}",
				text:   rateOf("db_client_operation_duration_seconds_count{$selected}", "job, db_query_summary") + perFight,
			}},
		},
		{
			title: "Calls to peers per fight", unit: "none",
			description: "Calls that each peer gets per fight; only between separate processes.",
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
