// The list of the latest fights, newest first. Scrolling loads older fights, and each fight can be opened in full.

import { call, narrationOf, read } from './api.js';
import { chips, picture, placeKind } from './cards.js';
import { open } from './detail.js';
import { busy, clear, el, find, isBusy, notice, number, time } from './dom.js';

const pageSize = 20;

// start shows the list and returns the functions that the battle calls.
export function start(live) {
  const list = find('fights'), older = find('older'), newer = find('newer'), box = find('history-notice');
  let next; // path of the next page, undefined if there is none

  async function load() {
    if (isBusy(older)) return;
    busy(older, true);
    clear(box);
    try {
      const answer = await call(next ?? `/api/fights?limit=${pageSize}`);
      const fights = await answer.json();
      list.append(...fights.filter((fight) => !find(rowOf(fight.id))).map(row));
      next = nextOf(answer.headers.get('Link'));
      older.hidden = !next;
      if (!list.firstChild) box.replaceChildren(el('p', { class: 'empty' }, 'No fights yet. Press Fight!'));
    } catch (error) {
      older.hidden = true;
      notice(box, error, load);
    } finally {
      list.setAttribute('aria-busy', 'false');
      busy(older, false);
      look();
    }
  }

  // The button stays for users who don't scroll. An observer reports only changes, so it is restarted after each page,
  // in case the button is still visible.
  const watcher = new IntersectionObserver((entries) => {
    if (entries.some((entry) => entry.isIntersecting) && next) load();
  }, { rootMargin: '300px' });
  function look() {
    watcher.unobserve(older);
    watcher.observe(older);
  }

  async function refresh() {
    newer.hidden = true;
    list.replaceChildren();
    next = undefined;
    await load();
    live.seen();
  }

  older.addEventListener('click', load);
  newer.addEventListener('click', refresh);
  live.onNewer((others) => { newer.hidden = !others; });
  addEventListener('hashchange', showAsked);
  load();
  showAsked();

  return {
    add(fight) {
      clear(box);
      if (!find(rowOf(fight.id))) list.prepend(row(fight));
    },
  };
}

// nextOf returns the path of the next page from a Link header, if it is a path of this origin.
function nextOf(header) {
  const found = /^<(\/api\/fights\?[^>]*)>; rel="next"/.exec(header ?? '');
  return found?.[1];
}

const rowOf = (id) => `row-${id}`;

function sides(fight) {
  const hero = { ...fight.hero, catalog: 'heroes' }, villain = { ...fight.villain, catalog: 'villains' };
  return fight.winner_team === 'heroes' ? [hero, villain] : [villain, hero];
}

function row(fight) {
  const [winner, loser] = sides(fight);
  return el('li', { id: rowOf(fight.id) },
    el('a', { class: winner.catalog === 'heroes' ? 'won-by-hero' : 'won-by-villain', href: `#fight-${fight.id}` },
      picture(winner.catalog, winner, 56),
      el('span', { class: 'tale' }, el('b', {}, winner.name), el('span', { class: 'beat' }, ' beat '), loser.name),
      el('span', { class: 'where' }, fight.location ? `${fight.location.name} · ` : '', time(fight.fight_date, { brief: true })),
      picture(loser.catalog, loser, 56, 'lost')));
}

// showAsked opens the fight that the URL's fragment names.
function showAsked() {
  const found = /^#fight-([0-9a-f-]{36})$/i.exec(location.hash);
  if (found) open(async () => full(...await Promise.all([read(`/api/fights/${found[1]}`), narrationOf(found[1])])));
}

function full(fight, story) {
  const [winner, loser] = sides(fight);
  const place = fight.location;
  const content = [
    el('h2', { id: 'detail-title' }, `${winner.name} beat ${loser.name}`),
    el('p', { class: 'dated' }, time(fight.fight_date)),
    el('div', { class: 'pair' }, side(winner, 'Winner'), side(loser, 'Loser')),
  ];
  if (story) content.push(el('p', { class: 'story' }, story));
  if (place) {
    content.push(el('div', { class: 'at' }, picture('locations', place, 96),
      el('div', {}, el('h3', {}, place.name), el('p', { class: 'kind' }, placeKind(place.type)), el('p', {}, place.description))));
  }
  content.push(el('p', { class: 'id' }, 'Fight ', el('code', {}, fight.id)));
  return content;
}

function side(entry, role) {
  return el('section', { class: `side ${entry.catalog === 'heroes' ? 'hero' : 'villain'}` },
    el('p', { class: 'corner' }, role),
    picture(entry.catalog, entry, 160),
    el('h3', {}, entry.name),
    entry.otherName ? el('p', { class: 'alias' }, entry.otherName) : null,
    el('p', { class: 'level' }, el('span', {}, 'Level '), el('b', {}, number(entry.level))),
    chips(entry.powers));
}
