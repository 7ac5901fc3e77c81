package main

// resilience returns the dashboard for circuit breakers, limits and acknowledged fights.
func resilience() board {
	return board{
		name: "resilience", title: "resilience",
		description: "Circuit breakers, limits, connections, and whether all acknowledged fights are stored and counted.",
		rows: []row{
			{"Fights: acknowledged, stored, counted", accounts()},
			{"Limits and connections", limits()},
			{"Circuit breakers (only between separate processes) and catalogs", breakers()},
			{"Processes and logs", incidents()},
		},
	}
}

func accounts() []panel {
	return []panel{
		{
			title: "Acknowledged, stored and counted", unit: "ops",
			description: "Fights per second: returned to clients, confirmed by the store, and counted by the statistics. " +
				"The three lines should coincide.",
			queries: []query{
				{legend: "acknowledged", text: rateOf("superheroes_fights_acknowledged_total{$selected}", "job")},
				{legend: "stored", text: rateOf("superheroes_fights_stored_total{$selected}", "job")},
				{legend: "counted", text: "max by (job) (deriv(superheroes_fights_counted{$selected}[$__rate_interval]))"},
			},
		},
		{
			title: "Acknowledged but not counted", unit: "short",
			description: "Fights acknowledged in the past hour, minus those counted. " +
				"Under load, this is the number of fights in a few scrape intervals; without load, it is at most 0. " +
				"See FightsNotCounted.",
			queries: []query{{
				legend: "{{job}}",
				text: "sum by (job) (increase(superheroes_fights_acknowledged_total{$selected}[1h])) - " +
					"max by (job) (increase(superheroes_fights_counted{$selected}[1h]))",
			}},
		},
		{
			title: "Uncertain fights", unit: "ops",
			description: "Fights per second that may have been stored even though the store didn't confirm them. " +
				"The client got an error.",
			queries: []query{{
				legend: "{{instance}}",
				text:   rateOf("superheroes_fights_uncertain_total{$selected}", "instance"),
			}},
		},
	}
}

func limits() []panel {
	return []panel{
		{
			title: "Use of the limits", unit: "percentunit",
			description: "Requests in progress as a share of the limit for their kind of request.",
			queries: []query{{
				legend: "{{service}} {{kind}}",
				text: "sum by (service, kind) (superheroes_limit_in_flight{$selected}) / " +
					"sum by (service, kind) (superheroes_limit_capacity{$selected})",
			}},
		},
		{
			title: "Requests rejected by limits", unit: "reqps",
			description: "Requests per second rejected with a 503 because too many requests of the same kind were in progress.",
			queries: []query{{
				legend: "{{service}} {{kind}}",
				text:   rateOf("superheroes_limit_refused_total{$selected}", "service, kind"),
			}},
		},
		{
			title: "Current limits", unit: "short",
			description: "Limits on concurrent requests. The services adapt some of the limits to the load.",
			queries: []query{{
				legend: "{{service}} {{kind}}",
				text:   "sum by (service, kind) (superheroes_limit_capacity{$selected})",
			}},
		},
		{
			title: "Open connections", unit: "short", description: "Open client connections.",
			queries: []query{{legend: "{{service}}", text: "sum by (service) (superheroes_connections{$selected})"}},
		},
		{
			title: "Connections refused and evicted", unit: "cps",
			description: "Connections per second that were refused because of the limit, or closed while idle to make room.",
			queries: []query{
				{legend: "{{service}} refused", text: rateOf("superheroes_connections_refused_total{$selected}", "service")},
				{legend: "{{service}} evicted", text: rateOf("superheroes_connections_evicted_total{$selected}", "service")},
			},
		},
		{
			title: "Shutting down", unit: "bool_yes_no", description: "Whether a service is draining before it exits.",
			queries: []query{{
				legend: "{{service}} {{instance}}",
				text:   "max by (service, instance) (superheroes_draining{$selected})",
			}},
		},
	}
}

func breakers() []panel {
	return []panel{
		{
			title: "Circuit breaker state", unit: "none",
			description: "0: closed; 1: half-open; 2: open (calls are rejected). " +
				"Under little load, the breaker of an unavailable peer is half-open most of the time.",
			queries: []query{{
				legend: "{{service}} to {{peer}}",
				text:   "max by (service, peer) (superheroes_breaker_state{$selected})",
			}},
		},
		{
			title: "Circuit breakers opened", unit: "short",
			description: "How often each peer's circuit breaker opened in the past hour.",
			queries: []query{{
				legend: "{{service}} to {{peer}}",
				text:   "sum by (service, peer) (increase(superheroes_breaker_opened_total{$selected}[1h]))",
			}},
		},
		{
			title: "Calls rejected by circuit breakers", unit: "reqps",
			description: "Calls per second that weren't made because the circuit breaker was open.",
			queries: []query{{
				legend: "{{service}} to {{peer}}", text: rateOf("superheroes_breaker_refused_total{$selected}", "service, peer"),
			}},
		},
		{
			title: "Age of catalogs in memory", unit: "s",
			description: "Time since each catalog's ids were last known to be current. " +
				"The ids are refreshed only while items are being picked.",
			queries: []query{{
				legend: "{{service}} {{instance}}",
				text:   "max by (service, instance) (superheroes_snapshot_age_seconds{$selected})",
			}},
		},
		{
			title: "Catalogs in memory", unit: "short",
			description: "Ids and rows in memory. The strict profile has no rows in memory.",
			queries: []query{
				{legend: "{{service}} ids", text: "max by (service) (superheroes_snapshot_ids{$selected})"},
				{legend: "{{service}} rows", text: "max by (service) (superheroes_snapshot_rows{$selected})"},
			},
		},
	}
}

func incidents() []panel {
	return []panel{
		{
			title: "Processes started", unit: "short",
			description: "Number of processes started in the past hour, whether they restarted or replaced another instance.",
			queries: []query{{
				legend: "{{service}}",
				text: "sum by (service) (changes(process_start_time_seconds{$selected}[1h]) + " +
					"(min_over_time(process_start_time_seconds{$selected}[1h]) > bool (time() - 3600)))",
			}},
		},
		{
			title: "Warnings and errors", unit: "cps", description: "Log lines per second at the levels warn and error.",
			queries: []query{{
				legend: "{{service}} {{level}}",
				text:   rateOf(`superheroes_log_lines_total{$selected, level=~"warn|error"}`, "service, level"),
			}},
		},
		{
			title: "Suppressed log lines", unit: "cps",
			description: "Repeated warnings and errors per second that were summarized instead of being logged.",
			queries: []query{{
				legend: "{{service}}", text: rateOf("superheroes_log_suppressed_total{$selected}", "service"),
			}},
		},
		{
			title: "Spans", unit: "cps",
			description: "Spans recorded and spans sent to the collector, per second. Those with an error type were lost.",
			queries: []query{
				{
					legend: "{{service}} recorded {{error_type}}",
					text:   rateOf("otel_sdk_processor_span_processed_total{$selected}", "service, error_type"),
				},
				{
					legend: "{{service}} sent {{error_type}}",
					text:   rateOf("otel_sdk_exporter_span_exported_total{$selected}", "service, error_type"),
				},
			},
		},
	}
}
