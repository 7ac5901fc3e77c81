// The catalog page: search, browse and open entries; with the administrator's token also create, edit and delete them.

import { call, read } from './api.js';
import { chips, picture, placeKind } from './cards.js';
import { open, show } from './detail.js';
import { clear, el, find, notice, number } from './dom.js';
import { deleteForm, editForm } from './form.js';
import { start as startToken, token } from './token.js';

const pageSize = 24;
const typing = 250; // milliseconds without further input before a search starts

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
    const found = await read(`${base}?${query(pageSize + 1)}`, { signal: mine.signal });
    showPage(found.slice(0, pageSize), found.length > pageSize);
  } catch (error) {
    if (mine.signal.aborted) return;
    entries.replaceChildren();
    find('pages').hidden = true;
    find('found').textContent = '';
    notice(box, error, load);
  }
  entries.setAttribute('aria-busy', 'false');
}

function query(limit) {
  const params = new URLSearchParams();
  if (limit) params.set('limit', limit);
  if (afters.at(-1)) params.set('after', afters.at(-1));
  if (name.value) params.set('name', name.value);
  return params;
}

function showPage(found, more) {
  entries.replaceChildren(...found.map(card));
  find('found').textContent = words(found.length);
  find('pages').hidden = false;
  find('page').textContent = `Page ${afters.length}`;
  find('previous').disabled = afters.length === 1 && !afters[0];
  find('next').disabled = !more;
  find('next').dataset.after = found.at(-1)?.id ?? '';
  const shown = query().toString();
  history.replaceState(null, '', location.pathname + (shown && `?${shown}`) + location.hash);
}

function words(count) {
  const wanted = name.value ? ` with “${name.value}” in the name` : '';
  if (count === 0) return `No ${catalog}${wanted}`;
  return `${number(count)} ${count === 1 ? singular : catalog}${wanted} on this page`;
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

let timer;
function search() {
  clearTimeout(timer);
  afters = [0];
  load();
}
name.addEventListener('input', () => {
  clearTimeout(timer);
  timer = setTimeout(search, typing);
});
find('search').addEventListener('submit', (event) => {
  event.preventDefault();
  search();
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
        el('p', { class: 'id' }, 'Number ', el('code', {}, entry.id), entry.picture ? [', picture ', el('code', {}, entry.picture)] : null))),
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
startToken(() => { find('create').hidden = !token(); });
addEventListener('hashchange', showAsked);
load();
showAsked();
