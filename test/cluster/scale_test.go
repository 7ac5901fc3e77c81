package main

import "testing"

func TestShares(t *testing.T) {
	t.Parallel()
	const metrics = `# TYPE http_server_request_duration_seconds histogram
http_server_request_duration_seconds_bucket{http_route="/api/fights/execute_fight",le="+Inf"} 12
http_server_request_duration_seconds_count{http_route="/api/fights/execute_fight",http_response_status_code="200"} 11
http_server_request_duration_seconds_count{http_route="/api/fights/execute_fight",http_response_status_code="503"} 1
http_server_request_duration_seconds_count{http_route="/api/fights"} 7
`
	if got, err := fightsIn(metrics); got != 12 || err != nil {
		t.Errorf("%v fights, %v; want 12", got, err)
	}
	for _, c := range []struct {
		name           string
		earlier, later map[string]float64
		pods           int
		even           bool
	}{
		{"equal since the first reading", map[string]float64{"a": 1000, "b": 0}, map[string]float64{"a": 1100, "b": 100}, 2, true},
		{"within a fifth", nil, map[string]float64{"a": 119, "b": 81}, 2, true},
		{"one carries too much", nil, map[string]float64{"a": 125, "b": 95, "c": 90, "d": 90}, 4, false},
		{"one carries too little", nil, map[string]float64{"a": 107, "b": 107, "c": 107, "d": 79}, 4, false},
		{"one is missing", nil, map[string]float64{"a": 100}, 2, false},
		{"no load", map[string]float64{"a": 9}, map[string]float64{"a": 9}, 1, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if text, err := compareShares(c.earlier, c.later, c.pods); (err == nil) != c.even {
				t.Errorf("%q, %v", text, err)
			}
		})
	}
}
