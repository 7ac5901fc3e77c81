package main

import "strings"

// The indicators: matchers of the requests that a service level objective covers, with "or" between alternatives. The
// alerts use the same indicators (../chart/superheroes/files/rules.yml). Streams that start aren't measured, so an error rate of streams
// would mean nothing. The arena forwards requests to the services, which count them, so it has an indicator of its own.
const (
	fights = `http_route="/api/fights/execute_fight" or ` +
		`http_route="/api/fights", http_request_method="POST", ` + notArena
	reads = `http_request_method="GET", http_route!~"|/api/fights/execute_fight|.*/stream", ` + notArena
	edits = `http_request_method!="GET", http_route!~"|/api/fights", ` + notArena
	arena = `service="arena", http_route!~"|.*/stream"`
)

const (
	notArena = `service!="arena"`
	failed   = `error_type!~"|canceled"` // a client that disconnects isn't a failure of the service
	served   = "http_server_request_duration_seconds"
)

// each returns a query for a function of each series of an indicator. more contains further matchers.
func each(indicator, function, suffix, more, within string) string {
	parts := strings.Split(indicator, " or ")
	for i, matchers := range parts {
		parts[i] = function + "(" + served + suffix + "{$selected, " + matchers + more + "}[" + within + "])"
	}
	return strings.Join(parts, " or ")
}

// requests returns the dashboard for the rate, errors and duration of requests, and for the service level objectives.
func requests() board {
	return board{
		name: "requests", title: "requests and SLOs",
		description: "Rate, errors and duration of requests, calls to peers and store operations, and the error budgets.",
		rows: []row{
			{"Service level objectives: 99.9 % without an error, 99 % within 100 ms", objectives()},
			{"Requests", responses()},
			{"Calls to peers (only between separate processes)", calls()},
			{"Store operations", operations()},
		},
	}
}

func objectives() []panel {
	return []panel{
		{
			title: "Fights without an error", unit: "percentunit", stat: true, objective: 0.999,
			description: "Share of fights (execute_fight and POST /api/fights) in the time range that didn't fail. " +
				"Objective: 99.9 %.",
			queries: []query{{text: succeeded(fights, "$__range")}},
		},
		{
			title: "Fights within 100 ms", unit: "percentunit", stat: true, objective: 0.99,
			description: "Share of fights (execute_fight and POST /api/fights) in the time range that took at most 100 ms. " +
				"Objective: 99 %.",
			queries: []query{{text: fast(fights, "$__range")}},
		},
		{
			title: "Reads without an error", unit: "percentunit", stat: true, objective: 0.999,
			description: "Share of GET requests in the time range that didn't fail, excluding fights and streams. " +
				"Objective: 99.9 %.",
			queries: []query{{text: succeeded(reads, "$__range")}},
		},
		{
			title: "Reads within 100 ms", unit: "percentunit", stat: true, objective: 0.99,
			description: "Share of GET requests in the time range that took at most 100 ms, excluding fights and streams. " +
				"Objective: 99 %.",
			queries: []query{{text: fast(reads, "$__range")}},
		},
		{
			title: "Burn rate of the error budget", unit: "none",
			description: "Failure rate of the past hour, as a multiple of the allowed 0.1 %. " +
				"At 1, the 30-day budget lasts exactly 30 days; above 14.4, ErrorBudgetBurn pages. " + forwarding,
			queries: burnRates(succeeded, "0.001"),
		},
		{
			title: "Burn rate of the latency budget", unit: "none",
			description: "Share of requests in the past hour that took more than 100 ms, as a multiple of the allowed 1 %. " +
				"Above 14.4, LatencyBudgetBurn pages. " + forwarding,
			queries: burnRates(fast, "0.01"),
		},
	}
}

const forwarding = "The arena is shown separately: the services also count the requests that it forwards to them."

// burnRates returns a query for each indicator. good returns a query for the share of good requests in a range.
func burnRates(good func(indicator, within string) string, allowed string) []query {
	rate := func(indicator string) string { return "(1 - " + good(indicator, "1h") + ") / " + allowed }
	return []query{
		{legend: "fights", text: rate(fights)},
		{legend: "reads", text: rate(reads)},
		{legend: "edits", text: rate(edits)},
		{legend: "arena", text: rate(arena)},
	}
}

// succeeded returns a query for the share of requests in a range that didn't fail.
func succeeded(indicator, within string) string {
	return "(1 - sum(" + each(indicator, "increase", "_count", ", "+failed, within) + " or vector(0)) / sum(" +
		each(indicator, "increase", "_count", "", within) + "))"
}

// fast returns a query for the share of requests in a range that took at most 100 ms.
func fast(indicator, within string) string {
	return "(sum(" + each(indicator, "increase", "_bucket", `, le="0.1"`, within) + ") / sum(" +
		each(indicator, "increase", "_count", "", within) + "))"
}

func responses() []panel {
	return []panel{
		{
			title: "Requests", unit: "reqps",
			description: "Requests per second by route, excluding health checks and event streams that started successfully.",
			queries: []query{{
				legend: "{{service}} {{http_request_method}} {{http_route}}",
				text:   rateOf(served+"_count{$selected}", "service, http_request_method, http_route"),
			}},
		},
		{
			title: "Failed requests", unit: "percentunit",
			description: "Share of requests that failed with a 5xx status or whose response was aborted.",
			queries:     []query{{legend: "{{service}}", text: failures(served, "service", failed)}},
		},
		{
			title: "Responses by status", unit: "reqps",
			description: "Responses per second by status code, with all 3xx codes combined and all 4xx codes combined. " +
				forwarding,
			queries: []query{{
				legend: "{{service}} {{http_response_status_code}}",
				text:   rateOf(served+"_count{$selected}", "service, http_response_status_code"),
			}},
		},
		{
			title: "Client errors", unit: "reqps",
			description: "4xx responses per second, by status code. " + forwarding,
			queries: []query{{
				legend: "{{service}} {{http_response_status_code}}",
				text:   rateOf("superheroes_client_errors_total{$selected}", "service, http_response_status_code"),
			}},
		},
		{
			title: "Duration of fights", unit: "s",
			description: "Median, 90th and 99th percentile of the durations of fights (execute_fight and POST /api/fights).",
			queries: []query{
				{"p50", durationOf(fights, "0.5"), true},
				{"p90", durationOf(fights, "0.9"), true},
				{"p99", durationOf(fights, "0.99"), true},
			},
		},
		{
			title: "Slowest 1 % of requests", unit: "s", description: "99th percentile of request durations, by route.",
			queries: []query{{
				"{{service}} {{http_route}}", quantile("0.99", served+"_bucket{$selected}", "service, http_route"), true,
			}},
		},
	}
}

func calls() []panel {
	const name = "http_client_request_duration_seconds"
	return []panel{
		{
			title: "Calls to peers", unit: "reqps",
			description: "Calls per second. In the eco profile, one call fetches many picks.",
			queries:     []query{{legend: "{{service}} to {{peer}}", text: rateOf(name+"_count{$selected}", "service, peer")}},
		},
		{
			title: "Failed calls", unit: "percentunit",
			description: "Share of calls that the caller considers failed: network errors and unsuccessful responses.",
			queries:     []query{{legend: "{{service}} to {{peer}}", text: failures(name, "service, peer", failed)}},
		},
		{
			title: "Slowest 1 % of calls", unit: "s", description: "99th percentile of call durations.",
			queries: []query{{
				"{{service}} to {{peer}}", quantile("0.99", name+"_bucket{$selected}", "service, peer"), true,
			}},
		},
	}
}

func operations() []panel {
	const name = "db_client_operation_duration_seconds"
	return []panel{
		{
			title: "Operations", unit: "ops", description: "Store operations per second.",
			queries: []query{{
				legend: "{{service}} {{db_query_summary}}", text: rateOf(name+"_count{$selected}", "service, db_query_summary"),
			}},
		},
		{
			title: "Failed operations", unit: "percentunit", description: "Share of failed operations, by store.",
			queries: []query{{
				legend: "{{service}} {{db_system_name}}", text: failures(name, "service, db_system_name", failed),
			}},
		},
		{
			title: "Slowest 1 % of operations", unit: "s",
			description: "99th percentile of operation durations, including the wait for a connection.",
			queries: []query{{
				"{{service}} {{db_query_summary}}", quantile("0.99", name+"_bucket{$selected}", "service, db_query_summary"), true,
			}},
		},
	}
}

// rateOf returns a query for the rate of a counter, summed by the given labels.
func rateOf(counter, labels string) string {
	return "sum by (" + labels + ") (rate(" + counter + "[$__rate_interval]))"
}

// failures returns a query for the share of a histogram's observations that match. If none match, the query returns 0
// rather than nothing.
func failures(histogram, labels, matcher string) string {
	every := "rate(" + histogram + "_count{$selected}[$__rate_interval])"
	matching := "rate(" + histogram + "_count{$selected, " + matcher + "}[$__rate_interval])"
	return "sum by (" + labels + ") (" + matching + " or 0 * " + every + ") / sum by (" + labels + ") (" + every + ")"
}

// quantile returns a query for a quantile of a histogram, by the given labels.
func quantile(q, buckets, labels string) string {
	return "histogram_quantile(" + q + ", " + rateOf(buckets, labels+", le") + ")"
}

// durationOf returns a query for a quantile of the durations of the indicator's requests.
func durationOf(indicator, q string) string {
	return "histogram_quantile(" + q + ", sum by (le) (" + each(indicator, "rate", "_bucket", "", "$__rate_interval") + "))"
}
