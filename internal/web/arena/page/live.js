// The live panel: exact figures as the service of statistics sends them. It follows the stream by itself, and says so
// when what it shows is behind.

import { problemOf } from './api.js';
import { clear, el, find, notice, number, set, svg } from './dom.js';

const path = '/api/statistics/stream';
const silence = 45_000; // without a byte of the stream for so long, it is taken for dead
const firstPause = 1000, longestPause = 10_000; // before another try
const countedWithin = 3000; // a fight of ours is counted by then, or the figures are behind
const settled = 1500; // both the answer and its count are here by then
const minute = 60; // seconds in the plot

// start follows the stream and returns what the rest of the page tells it and asks.
export function start() {
  const panel = newPanel();
  let total; // as it was counted last
  let known; // how many of those the list of the last fights accounts for
  let lostAt; // when the stream broke off, in milliseconds since 1970
  let owing; // the timer of a fight of ours that isn't counted yet
  let onNewer = () => {};
  let telling; // the timer of onNewer: a fight of ours may be counted before we have its answer

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
    // expect notes that a fight of this page was stored: it is to be counted soon.
    expect() {
      if (total === undefined) return;
      known++;
      tell();
      if (total >= known) return; // it was counted before we had its answer
      owing ??= setTimeout(() => { if (panel.state() === 'live') panel.link('behind', 'Behind: a fight is not counted yet'); }, countedWithin);
    },
    // seen notes that the list shows all there is.
    seen() {
      known = total;
      tell();
    },
    // onNewer sets who is told whether others have fought since.
    onNewer(listener) { onNewer = listener; },
  };
}

// follow reads the stream, again and again, for as long as the page is open.
async function follow(show, lost, panel) {
  for (let wait = firstPause; ; wait = Math.min(wait * 2, longestPause)) {
    const stop = new AbortController();
    let problem;
    try {
      for await (const state of states(stop)) {
        show(state);
        panel.problem(null);
        wait = firstPause;
      }
      problem = new Error('The stream of statistics ended.');
    } catch (error) {
      problem = error;
    } finally {
      stop.abort();
    }
    lost();
    const again = new Promise((resolve) => panel.problem(problem, resolve));
    await Promise.race([again, pause(wait), seenAgain()]);
  }
}

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

// seenAgain waits until the network is back.
const seenAgain = () => new Promise((resolve) => addEventListener('online', resolve, { once: true }));

// states yields each state that the stream brings.
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
    if (error instanceof TypeError) throw new Error('The stream of statistics broke off.');
    if (stop.signal.aborted) throw new Error('The stream of statistics fell silent.');
    throw error;
  } finally {
    clearTimeout(timer);
  }
}

function newPanel() {
  const link = find('link'), box = find('live-notice');
  const plot = newPlot();
  let told; // the text of the problem that is shown
  let again; // what its button does
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
    // problem shows why there is no stream, until it is called with null. What is told already is not told anew.
    problem(error, retry) {
      again = retry;
      if (told === error?.message) return;
      told = error?.message;
      if (error?.status === 404) box.replaceChildren(el('p', { class: 'empty' }, 'Nobody counts the fights: statistics does not run here.'));
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

// showTop writes the rows of a ranking into those that are there, so that nothing jumps.
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

// newPlot draws the fights of each of the last sixty seconds.
function newPlot() {
  const plot = find('plot'), counted = new Map(); // second since 1970 -> fights
  const bars = Array.from({ length: minute }, (_, i) => svg('rect', { x: i + 0.1, width: 0.8, y: 24, height: 0 }));
  plot.append(...bars);

  function draw() {
    const now = Math.floor(Date.now() / 1000);
    for (const second of counted.keys()) if (second <= now - minute) counted.delete(second);
    const each = bars.map((_, i) => counted.get(now - minute + 1 + i) ?? 0);
    const most = Math.max(1, ...each);
    each.forEach((fights, i) => {
      const height = Math.min(24, (fights / most) * 22 + (fights > 0 ? 2 : 0));
      bars[i].setAttribute('y', 24 - height);
      bars[i].setAttribute('height', height);
    });
    const rate = each.reduce((sum, fights) => sum + fights, 0) / minute;
    set(find('rate'), rate < 10 ? rate.toFixed(2) : number(Math.round(rate)));
    plot.setAttribute('aria-label', `Fights per second over the last minute: ${rate.toFixed(2)} on average, ${number(Math.round(most))} in the busiest second`);
  }

  setInterval(() => { if (!document.hidden) draw(); }, 1000);
  return {
    // count takes in another total. What was fought while we had no connection is spread over that time.
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
