package main

// runtime returns the dashboard for the Go runtime and for saturation.
func runtime() board {
	return board{
		name: "runtime", title: "runtime and saturation",
		description: "CPU, memory, garbage collection and connection pools of each process. " +
			"If one process runs all services (`up`), its service is superheroes.",
		rows: []row{{"Saturation", saturation()}, {"Memory", memory()}, {"Garbage collection and scheduler", scheduler()}},
	}
}

const process = "{{service}} {{instance}}"

func saturation() []panel {
	return []panel{
		{
			title: "CPU in use", unit: "percentunit",
			description: "CPU time as a share of what GOMAXPROCS threads can use. Near 100 %, requests wait for a core.",
			queries: []query{{
				legend: process,
				text:   "rate(process_cpu_seconds_total{$selected}[$__rate_interval]) / go_sched_gomaxprocs_threads{$selected}",
			}},
		},
		{
			title: "Store connections in use", unit: "percentunit",
			description: "Connections in use as a share of the maximum pool size.",
			queries: []query{{
				legend: "{{service}} {{db_client_connection_pool_name}}",
				text: "sum by (service, db_client_connection_pool_name) " +
					`(db_client_connection_count{$selected, db_client_connection_state="used"})` +
					" / sum by (service, db_client_connection_pool_name) (db_client_connection_max{$selected})",
			}},
		},
		{
			title: "Open files", unit: "percentunit", description: "Open file descriptors as a share of the limit.",
			queries: []query{{legend: process, text: "process_open_fds{$selected} / process_max_fds{$selected}"}},
		},
		{
			title: "Operations that waited for a connection", unit: "ops",
			description: "Operations per second that found no free connection in the pool.",
			queries: []query{{
				legend: "{{service}} {{db_client_connection_pool_name}}",
				text:   rateOf("superheroes_pool_waits_total{$selected}", "service, db_client_connection_pool_name"),
			}},
		},
		{
			title: "Operations waiting for a connection", unit: "none",
			description: "Average number of operations waiting at the same time (total waiting time per second).",
			queries: []query{{
				legend: "{{service}} {{db_client_connection_pool_name}}",
				text:   rateOf("superheroes_pool_wait_time_seconds_total{$selected}", "service, db_client_connection_pool_name"),
			}},
		},
		{
			title: "Versions", unit: "none", description: "Number of services by version, Go version and profile.",
			queries: []query{{
				legend: "{{version}} {{goversion}} {{profile}}",
				text:   "count by (version, goversion, profile) (superheroes_build_info{$selected})",
			}},
		},
	}
}

func memory() []panel {
	return []panel{
		{
			title: "Resident memory", unit: "bytes",
			description: "Memory of the process that counts toward the container's memory limit.",
			queries:     []query{{legend: process, text: "process_resident_memory_bytes{$selected}"}},
		},
		{
			title: "Share of the memory limit", unit: "percentunit",
			description: "Memory that counts toward GOMEMLIMIT, as a share of it; almost 0 without a limit.",
			queries: []query{{
				legend: process,
				text: "(go_memstats_sys_bytes{$selected} - go_memstats_heap_released_bytes{$selected})" +
					" / go_gc_gomemlimit_bytes{$selected}",
			}},
		},
		{
			title: "Heap", unit: "bytes",
			description: "Size of the objects, of the heap spans in use, and of the heap at the next garbage collection.",
			queries: []query{
				{legend: process + " objects", text: "go_memstats_heap_alloc_bytes{$selected}"},
				{legend: process + " in use", text: "go_memstats_heap_inuse_bytes{$selected}"},
				{legend: process + " next collection", text: "go_memstats_next_gc_bytes{$selected}"},
			},
		},
		{
			title: "Unused heap", unit: "bytes",
			description: "Unused heap memory, and how much of it was returned to the operating system.",
			queries: []query{
				{legend: process + " idle", text: "go_memstats_heap_idle_bytes{$selected}"},
				{legend: process + " returned", text: "go_memstats_heap_released_bytes{$selected}"},
			},
		},
		{
			title: "Stacks", unit: "bytes", description: "Memory used by goroutine stacks.",
			queries: []query{{legend: process, text: "go_memstats_stack_inuse_bytes{$selected}"}},
		},
		{
			title: "Objects", unit: "short", description: "Number of objects on the heap.",
			queries: []query{{legend: process, text: "go_memstats_heap_objects{$selected}"}},
		},
	}
}

func scheduler() []panel {
	return []panel{
		{
			title: "Allocation", unit: "Bps", description: "Bytes allocated on the heap per second.",
			queries: []query{{legend: process, text: "rate(go_memstats_alloc_bytes_total{$selected}[$__rate_interval])"}},
		},
		{
			title: "Garbage collections", unit: "ops", description: "Garbage collections per second.",
			queries: []query{{legend: process, text: "rate(go_gc_duration_seconds_count{$selected}[$__rate_interval])"}},
		},
		{
			title: "Garbage collection pauses", unit: "s", description: "Median and longest of the recent pauses.",
			queries: []query{{
				legend: process + " {{quantile}}", text: `go_gc_duration_seconds{$selected, quantile=~"0\\.5|1(\\.0)?"}`,
			}},
		},
		{
			title: "Goroutines", unit: "short", description: "Number of goroutines.",
			queries: []query{{legend: process, text: "go_goroutines{$selected}"}},
		},
		{
			title: "Threads", unit: "short", description: "Number of operating system threads created by the Go runtime.",
			queries: []query{{legend: process, text: "go_threads{$selected}"}},
		},
		{
			title: "Uptime", unit: "s", description: "Time since the process started.",
			queries: []query{{legend: process, text: "time() - process_start_time_seconds{$selected}"}},
		},
	}
}
