// The live panel shows the exact figures of the statistics service. It reconnects to the stream by itself, and says so
// if its figures are out of date.

import { problemOf } from './api.js';
import { clear, el, find, notice, number, pause, set, svg } from './dom.js';

const path = '/api/statistics/stream';
const silence = 45_000; // milliseconds without data after which the stream counts as broken
const firstPause = 1000, longestPause = 10_000; // milliseconds before reconnecting
const countedWithin = 3000; // milliseconds after which an uncounted fight means that the figures are behind
const settled = 1500; // milliseconds within which both the response to a fight and its count arrive
const minute = 60; // seconds shown in the plot
const recent = 5; // seconds over which the rate is averaged

// start follows the stream and returns the functions that the rest of the page calls.
export function start() {
  const panel = newPanel();
  let total; // the latest count of all fights
  let known; // the number of fights up to the newest one in the list
  let lostAt; // when the stream was interrupted, in milliseconds since 1970
  let owing; // the timer for a fight from this page that isn't counted yet
  let onNewer = () => {};
  let telling; // the timer for onNewer: a fight from this page may be counted before its response arrives

  function tell() {
    clearTimeout(telling);
    telling = setTimeout(() => onNewer(total > known), settled);
  }

  function show(state) {
    if (state.total > (total ?? -1)) {
      clearTimeout(owing);
      owing = undefined;
    }
    panel.show(state, total, lostAt);
    lostAt = undefined;
    total = state.total;
    known ??= total;
    tell();
    if (!owing) panel.link('live', 'Live');
  }

  follow(show, () => {
    lostAt ??= Date.now();
    panel.lost();
  }, panel);
  return {
    // expect records that a fight from this page was stored and should be counted soon.
    expect() {
      if (total === undefined) return;
      known++;
      tell();
      if (total >= known) return; // the fight was counted before its response arrived
      owing ??= setTimeout(() => { if (panel.state() === 'live') panel.link('behind', 'Behind: a fight is not counted yet'); }, countedWithin);
    },
    // seen records that the list shows all fights.
    seen() {
      known = total;
      tell();
    },
    // onNewer sets the listener that is told whether there are newer fights by other clients.
    onNewer(listener) { onNewer = listener; },
  };
}

// follow reads the stream, and reconnects whenever it ends, as long as the page is open. A page that isn't visible has no
// stream: a browser keeps pages that were left for a while, and has only six connections to a host.
async function follow(show, lost, panel) {
  for (let wait = firstPause; ; wait = Math.min(wait * 2, longestPause)) {
    await visible();
    const stop = new AbortController();
    const hide = () => { if (document.hidden) stop.abort(); };
    document.addEventListener('visibilitychange', hide);
    let problem;
    try {
      for await (const state of states(stop)) {
        show(state);
        panel.problem(null);
        wait = firstPause;
      }
      problem = new Error('The statistics stream ended.');
    } catch (error) {
      problem = error;
    } finally {
      document.removeEventListener('visibilitychange', hide);
      stop.abort();
    }
    lost();
    if (document.hidden) continue;
    const again = new Promise((resolve) => panel.problem(problem, resolve));
    await Promise.race([again, pause(wait), seenAgain()]);
  }
}

// visible resolves as soon as the page is visible.
async function visible() {
  while (document.hidden) await new Promise((resolve) => document.addEventListener('visibilitychange', resolve, { once: true }));
}

// seenAgain resolves when the network is available again.
const seenAgain = () => new Promise((resolve) => addEventListener('online', resolve, { once: true }));

// states yields each state received from the stream.
async function* states(stop) {
  let timer;
  const listen = () => { clearTimeout(timer); timer = setTimeout(() => stop.abort(), silence); };
  listen();
  try {
    const response = await fetch(path, { signal: stop.signal, headers: { Accept: 'text/event-stream' }, cache: 'no-store', redirect: 'error' });
    if (!response.ok) throw await problemOf(response, path);
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
    for (let rest = ''; ;) {
      const { value, done } = await reader.read();
      if (done) return;
      listen();
      const lines = (rest + value).split(/\r\n|\n/);
      rest = lines.pop();
      for (const line of lines) {
        if (line.startsWith('data:')) yield JSON.parse(line.slice(5));
      }
    }
  } catch (error) {
    if (error instanceof TypeError) throw new Error('The statistics stream was interrupted.');
    if (stop.signal.aborted) throw new Error('The statistics stream fell silent.');
    throw error;
  } finally {
    clearTimeout(timer);
  }
}

function newPanel() {
  const link = find('link'), box = find('live-notice');
  const plot = newPlot();
  let told; // the message of the problem on display
  let again; // the function that its button calls
  return {
    state: () => link.dataset.link,
    link(state, text) {
      link.dataset.link = state;
      set(link, text);
    },
    lost() {
      if (find('figures').hidden) this.link('off', 'Not connected');
      else this.link('behind', 'Behind: reconnecting');
    },
    // problem shows why there is no stream, until it is called with null. It doesn't announce the same message twice.
    problem(error, retry) {
      again = retry;
      if (told === error?.message) return;
      told = error?.message;
      if (error?.status === 404) box.replaceChildren(el('p', { class: 'empty' }, 'Fights are not being counted: statistics is not running here.'));
      else if (error) notice(box, error, () => again());
      else clear(box);
    },
    show(state, before, lostAt) {
      find('figures').hidden = false;
      set(find('total'), number(state.total));
      set(find('total-word'), state.total === 1 ? 'fight' : 'fights');
      set(find('since'), state.since ? `since ${new Date(state.since).toLocaleString()}` : '');
      showShare(state);
      plot.count(state.total, before, lostAt);
      showTop(find('winners'), state.top_winners ?? [], (row) => [row.name, row.wins, row.team]);
      find('places').hidden = !state.locations?.length;
      showTop(find('busiest'), state.locations ?? [], (row) => [row.name, row.fights, 'places']);
    },
  };
}

function showShare({ heroes, villains }) {
  set(find('heroes-won'), number(heroes));
  set(find('villains-won'), number(villains));
  const share = heroes + villains > 0 ? heroes / (heroes + villains) : 0.5;
  find('share').style.setProperty('--heroes', String(share));
}

// showTop updates the rows of a ranking in place, so that the layout doesn't jump.
function showTop(list, rows, read) {
  while (list.children.length > rows.length) list.lastChild.remove();
  while (list.children.length < rows.length) list.append(el('li', {}, el('span', { class: 'who' }), el('b')));
  const most = Math.max(1, ...rows.map((row) => read(row)[1]));
  rows.forEach((row, i) => {
    const [name, count, team] = read(row), line = list.children[i];
    line.className = String(team) === 'heroes' ? 'for-heroes' : String(team) === 'villains' ? 'for-villains' : '';
    set(line.firstChild, name);
    set(line.lastChild, number(count));
    line.style.setProperty('--part', String(count / most));
  });
}

const rate = (n) => (n < 10 ? n.toFixed(1) : number(Math.round(n)));

// roundUp returns the smallest of 1, 2, 5, 10, 20, 50 … that isn't below n: the top of the plot's scale.
function roundUp(n) {
  const power = 10 ** Math.floor(Math.log10(Math.max(1, n)));
  return [1, 2, 5, 10].map((digit) => digit * power).find((mark) => mark >= n);
}

// newPlot draws the number of fights in each of the last sixty seconds.
function newPlot() {
  const plot = find('plot'), counted = new Map(); // second since 1970 -> fights
  const bars = Array.from({ length: minute }, (_, i) => svg('rect', { x: i + 0.1, width: 0.8, y: 24, height: 0 }));
  plot.append(...bars);

  function draw() {
    const now = Math.floor(Date.now() / 1000);
    for (const second of counted.keys()) if (second <= now - minute) counted.delete(second);
    const each = bars.map((_, i) => counted.get(now - minute + 1 + i) ?? 0);
    const most = Math.max(...each), top = roundUp(most);
    each.forEach((fights, i) => {
      const height = Math.min(24, (fights / top) * 23 + (fights > 0 ? 1 : 0));
      bars[i].setAttribute('y', 24 - height);
      bars[i].setAttribute('height', height);
    });
    const latest = each.slice(-1 - recent, -1).reduce((sum, fights) => sum + fights, 0) / recent; // without the current second
    set(find('rate'), rate(latest));
    set(find('scale'), number(top));
    plot.setAttribute('aria-label', `Fights per second over the last minute: ${rate(latest)} in the last ${recent} seconds, ${rate(most)} in the busiest second`);
  }

  setInterval(() => { if (!document.hidden) draw(); }, 1000);
  return {
    // count adds a new total to the plot. Fights during a lost connection are spread evenly over that time.
    count(total, before, lostAt) {
      if (before === undefined || total <= before) return;
      const now = Math.floor(Date.now() / 1000);
      const from = Math.max(Math.floor((lostAt ?? Date.now()) / 1000), now - minute + 1);
      for (let second = from; second <= now; second++) {
        counted.set(second, (counted.get(second) ?? 0) + (total - before) / (now - from + 1));
      }
      draw();
    },
  };
}
