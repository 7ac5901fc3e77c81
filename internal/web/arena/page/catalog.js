// The catalog page: search, browse and open entries; with the administrator's token also create, edit and delete them.

import { call, read } from './api.js';
import { chips, picture, placeKind } from './cards.js';
import { open, show } from './detail.js';
import { clear, el, find, notice, number, onSearch } from './dom.js';
import { deleteForm, editForm } from './form.js';
import { start as startToken, token } from './token.js';

const pageSize = 24;

const catalog = document.body.dataset.screen;
const singular = catalog.slice(0, -1).replace(/oe$/, 'o'); // heroes, villains, locations
const base = `/api/${catalog}`;
const entries = find('entries'), name = find('name'), box = find('catalog-notice');
const asked = new URLSearchParams(location.search);

let afters = [Number(asked.get('after')) || 0]; // for each page up to the current one, the id that the page starts after
let underway; // AbortController of the current request for a page

async function load() {
  underway?.abort();
  const mine = underway = new AbortController();
  entries.setAttribute('aria-busy', 'true');
  clear(box);
  try {
    const [found, total, left] = await Promise.all([
      read(`${base}?${query(pageSize + 1)}`, { signal: mine.signal }),
      name.value ? null : count(0, mine.signal),
      name.value || !afters[0] ? null : count(afters[0], mine.signal),
    ]);
    showPage(found.slice(0, pageSize), found.length > pageSize, total, total === null || left === null ? 0 : total - left);
  } catch (error) {
    if (mine.signal.aborted) return;
    entries.replaceChildren();
    find('pages').hidden = true;
    find('found').textContent = '';
    notice(box, error, load);
  }
  entries.setAttribute('aria-busy', 'false');
}

// count returns the number of entries with an id above after, or null if it isn't known.
async function count(after, signal) {
  try {
    return (await read(`${base}/count?after=${after}`, { signal })).count;
  } catch (error) {
    if (signal.aborted) throw error;
    return null;
  }
}

function query(limit) {
  const params = new URLSearchParams();
  if (limit) params.set('limit', limit);
  if (afters.at(-1)) params.set('after', afters.at(-1));
  if (name.value) params.set('name', name.value);
  return params;
}

// showPage shows a page of entries. total is the number of entries in the catalog, or null if it isn't known or there is a
// search; before is the number of entries before the page that was opened first.
function showPage(found, more, total, before) {
  const first = afters.length === 1 && !afters[0], page = Math.floor(before / pageSize) + afters.length;
  entries.replaceChildren(...found.map(card));
  find('found').textContent = total === null ? words(found.length, !first || more) : words(total, false);
  find('pages').hidden = false;
  find('page').textContent = total === null ? `Page ${page}` : `Page ${page} of ${Math.max(page, Math.ceil(total / pageSize))}`;
  find('previous').disabled = first;
  find('next').disabled = !more;
  find('next').dataset.after = found.at(-1)?.id ?? '';
  const shown = query().toString();
  history.replaceState(null, '', location.pathname + (shown && `?${shown}`) + location.hash);
}

function words(found, partly) {
  const wanted = name.value ? ` with “${name.value}” in the name` : '';
  if (found === 0) return `No ${catalog}${wanted}`;
  return `${number(found)} ${found === 1 ? singular : catalog}${wanted}${partly ? ' on this page' : ''}`;
}

function card(entry) {
  return el('li', {},
    el('a', { class: 'entry', href: `#${entry.id}` },
      picture(catalog, entry, 120),
      el('span', { class: 'entry-name' }, entry.name),
      el('span', { class: 'entry-note' }, catalog === 'locations' ? placeKind(entry.type) : `Level ${number(entry.level)}`)));
}

// turn loads another page and scrolls to its top.
async function turn() {
  await load();
  find('found').scrollIntoView({ block: 'nearest' });
}

find('next').addEventListener('click', () => {
  afters.push(Number(find('next').dataset.after));
  turn();
});
find('previous').addEventListener('click', () => {
  if (afters.length > 1) afters.pop();
  else afters = [0];
  turn();
});

onSearch(find('search'), name, () => {
  afters = [0];
  load();
});

// showAsked opens the entry in the URL's fragment.
function showAsked() {
  const found = /^#([1-9][0-9]{0,18})$/.exec(location.hash);
  if (found) open(() => one(found[1]));
}

async function one(id) {
  const answer = await call(`${base}/${id}`);
  return full(await answer.json(), answer.headers.get('ETag'));
}

function full(entry, etag) {
  const facts = catalog === 'locations'
    ? [el('p', { class: 'kind' }, placeKind(entry.type)), el('p', {}, entry.description)]
    : [
      entry.otherName ? el('p', { class: 'alias' }, entry.otherName) : null,
      el('p', { class: 'level' }, el('span', {}, 'Level '), el('b', {}, number(entry.level))),
      chips(entry.powers),
    ];
  return [
    el('div', { class: `whole ${catalog}` }, picture(catalog, entry, 240),
      el('div', {}, el('h2', { id: 'detail-title' }, entry.name), ...facts,
        el('p', { class: 'id' }, 'Number ', el('code', {}, entry.id), token() && entry.picture ? [', picture ', el('code', {}, entry.picture)] : null))),
    token() ? el('div', { class: 'controls' },
      el('button', { type: 'button', click: () => edit(entry, etag) }, 'Edit'),
      el('button', { type: 'button', class: 'danger', click: () => remove(entry, etag) }, 'Delete')) : null,
  ].filter(Boolean);
}

const reopen = (id) => open(() => one(id));

function edit(entry, etag) {
  show(editForm(catalog, entry, etag, {
    saved: () => { load(); reopen(entry.id); },
    again: async () => { await reopen(entry.id); },
    cancel: () => reopen(entry.id),
  }));
  find('detail').querySelector('input').focus();
}

function remove(entry, etag) {
  show(deleteForm(catalog, entry, etag, {
    deleted: () => { find('detail').close(); load(); },
    again: () => reopen(entry.id),
    cancel: () => reopen(entry.id),
  }));
}

find('create').addEventListener('click', async () => {
  await open(async () => editForm(catalog, null, null, {
    saved: (id) => { load(); if (id) location.hash = `#${id}`; else find('detail').close(); },
    cancel: () => find('detail').close(),
  }));
  find('detail').querySelector('input').focus();
});

name.value = asked.get('name') ?? '';
startToken(catalog, () => { find('create').hidden = !token(); });
addEventListener('hashchange', showAsked);
load();
showAsked();
