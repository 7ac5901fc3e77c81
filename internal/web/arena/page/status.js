// The status page: it polls the health of each service every few seconds while the page is visible.

import { typeset } from './api.js';
import { el, find, set } from './dom.js';

const interval = 5000; // milliseconds
const patience = 8000;

const services = [
  { name: 'arena', path: '/healthz' },
  ...['heroes', 'villains', 'locations', 'fights', 'statistics'].map((name) => ({ name, path: `/status/${name}` })),
].map((service) => ({ ...service, row: newRow(service.name) }));

const engines = { sqlite: 'SQLite', postgresql: 'PostgreSQL', mysql: 'MariaDB or MySQL', mongodb: 'MongoDB' };

function newRow(name) {
  const state = el('span', { class: 'pill', 'data-link': 'waiting' }, 'checking');
  const facts = el('dl');
  return { item: el('li', { id: `service-${name}` }, el('div', { class: 'headline' }, el('h2', {}, name), state), facts), state, facts };
}

// ask returns a service's health report, or the reason why there is none.
async function ask({ path }) {
  try {
    const response = await fetch(path, { signal: AbortSignal.timeout(patience), cache: 'no-store', headers: { Accept: 'application/json' } });
    const answer = await response.json();
    if (typeof answer.status === 'string') return answer;
    const why = typeset(answer.detail ?? `returned status ${response.status}`);
    return { status: response.status === 404 ? 'absent' : 'down', why };
  } catch {
    return { status: 'down', why: 'can’t reach the arena' };
  }
}

// A service is absent on purpose, so an absent service doesn't count as a failure.
const links = { ok: 'live', draining: 'behind', unavailable: 'behind', down: 'down', absent: 'off' };
const texts = { ok: 'ready', draining: 'about to stop', unavailable: 'not ready', down: 'down', absent: 'not running' };

function show({ row }, answer) {
  row.state.dataset.link = links[answer.status] ?? 'behind';
  set(row.state, texts[answer.status] ?? answer.status);
  const facts = [
    ['Why', answer.why],
    ...traffic(answer),
    ['Store', answer.store && `${engines[answer.store.engine] ?? answer.store.engine}, ${word(answer.store)}`],
    ['Profile', answer.profile],
    ['Version', answer.version],
    ['Peers up', those(answer.peers, true)],
    ['Peers down', those(answer.peers, false)],
  ].filter(([, value]) => value || value === null);
  const terms = facts.map(([term]) => term).join();
  if (row.facts.dataset.terms !== terms) {
    row.facts.dataset.terms = terms;
    row.facts.replaceChildren(...facts.flatMap(([term]) => [el('dt', {}, term), el('dd')]));
  }
  const values = row.facts.querySelectorAll('dd');
  facts.forEach(([, value], i) => set(values[i], value ?? ''));
}

// traffic returns the figures of a service that runs. A figure is null if there are no data; the style sheet shows a dash.
function traffic({ version, traffic: { requests_per_second: requests, errors_per_second: errors, p99_ms: p99 } = {} }) {
  const figure = (value, unit) => (value === undefined ? null : `${figures.format(value)} ${unit}`);
  return version ? [['Requests', figure(requests, 'per second')], ['Server errors', figure(errors, 'per second')], ['p99 latency', figure(p99, 'ms')]] : [];
}

const figures = new Intl.NumberFormat('en', { maximumSignificantDigits: 3 });

// those lists the names of the reachable peers, or of the unreachable ones.
const those = (peers = {}, answering) => Object.keys(peers).filter((name) => (peers[name].status === 'ok') === answering).join(', ');

const word = ({ status }) => (status === 'ok' ? 'available' : 'unavailable');

async function askAll() {
  const answers = await Promise.all(services.map(async (service) => {
    const answer = await ask(service);
    show(service, answer);
    return answer;
  }));
  const expected = answers.filter(({ status }) => status !== 'absent');
  const ready = expected.filter(({ status }) => status === 'ok').length;
  set(find('summary'), ready === expected.length ? 'All services are ready' : `${ready} of ${expected.length} services are ready`);
}

async function keepAsking() {
  for (;;) {
    if (!document.hidden) await askAll();
    await new Promise((resolve) => setTimeout(resolve, interval));
  }
}

find('services').append(...services.map(({ row }) => row.item));
find('again').addEventListener('click', askAll);
keepAsking();
