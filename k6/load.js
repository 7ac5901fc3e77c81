// The family's load test: a constant RAMPING_RATE iterations per second from the start, then a ramp down to zero.
//
//   k6 run -e RAMPING_RATE=10 -e K6_HOST=http://localhost:8004 load.js
//
// It exits with an error if a threshold is exceeded. A dropped iteration counts as much as a failed request, because
// requests that were never sent must not look like successful ones.
import { Gauge } from 'k6/metrics';
import { countStored, profileOf, randomFight } from './randomFight.js';

const rate = Number(__ENV.RAMPING_RATE || 10);
const hold = __ENV.HOLD_DURATION || '20s';
const down = __ENV.RAMP_DOWN_DURATION || '5s';
const maxVUs = Number(__ENV.MAX_VUS || 200);
const results = __ENV.RESULTS_DIR || '/results';

export const options = {
  scenarios: {
    fights: {
      executor: 'ramping-arrival-rate',
      startRate: rate,
      timeUnit: '1s',
      preAllocatedVUs: Math.min(maxVUs, Math.max(10, rate)),
      maxVUs,
      stages: [
        { target: rate, duration: hold },
        { target: 0, duration: down },
      ],
    },
  },
  thresholds: {
    http_req_duration: ['p(95)<500'],
    http_req_failed: ['rate<0.001'],
    checks: ['rate==1'],
    iterations: ['count>0'],
    dropped_iterations: ['count==0'],
  },
  summaryTrendStats: ['min', 'avg', 'med', 'p(90)', 'p(95)', 'p(99)', 'max'],
};

// stored is the number of fights added to the store, if the member reports a count.
const stored = new Gauge('fights_stored');

export function setup() {
  return { before: countStored(), profile: profileOf() };
}

export default function () {
  randomFight();
}

export function teardown({ before }) {
  const after = countStored();
  if (before !== null && after !== null) {
    stored.add(after - before);
  }
}

// handleSummary writes the summary to the results folder and to the terminal. The last line is for the Green Metrics
// Tool: the number of fights that were both acknowledged and stored, with the time in nanoseconds.
export function handleSummary(data) {
  return {
    stdout: `\n${report(data).join('\n')}\n`,
    [`${results}/summary_${rate}.json`]: JSON.stringify(data, null, 2),
  };
}

function report(data) {
  const count = (name) => data.metrics[name]?.values.count ?? 0;
  const duration = data.metrics.http_req_duration?.values ?? {};
  const ms = (value) => `${(value ?? 0).toFixed(2)} ms`;
  const acknowledged = count('fights_acknowledged');
  const found = data.metrics.fights_stored?.values.value;
  const broken = brokenThresholds(data);
  const lines = [
    `profile: ${data.setup_data?.profile ?? 'not reported'}`,
    `rate ${rate}/s: ${count('iterations')} iterations, ${count('dropped_iterations')} dropped`,
    `fights: ${acknowledged} acknowledged, ${found ?? 'cannot be checked:'} stored`,
    `requests: ${count('http_reqs')}, median ${ms(duration.med)}, p95 ${ms(duration['p(95)'])}, p99 ${ms(duration['p(99)'])}`,
    broken.length === 0 ? 'thresholds: all met' : `thresholds BROKEN: ${broken.join('; ')}`,
  ];
  if (found !== undefined) {
    lines.push(`${Date.now()}000000 GMT_SCI_R=${Math.min(acknowledged, found)}`);
  }
  return lines;
}

function brokenThresholds(data) {
  return Object.entries(data.metrics).flatMap(([name, metric]) =>
    Object.entries(metric.thresholds ?? {})
      .filter(([, result]) => !result.ok)
      .map(([rule]) => `${name} ${rule}`),
  );
}
