// The dialog in which users choose their own fighter or place.

import { read } from './api.js';
import { picture } from './cards.js';
import { close, open } from './detail.js';
import { clear, el, notice, onSearch } from './dom.js';

const shown = 24; // entries at most

// choose opens the dialog for a catalog, and calls pick with the chosen entry.
export function choose(catalog, singular, pick) {
  const list = el('ul', { class: 'entries' }), box = el('div');
  const name = el('input', { type: 'search', id: 'choose-name', autocomplete: 'off', spellcheck: 'false', placeholder: 'Part of a name' });
  let underway; // AbortController of the current search

  const entry = (found) => el('li', {}, el('button', { type: 'button', class: 'entry', click: () => { pick(found); close(); } },
    picture(catalog, found, 120), el('span', { class: 'entry-name' }, found.name)));

  async function load() {
    underway?.abort();
    const mine = underway = new AbortController();
    const found = await read(`/api/${catalog}?${query()}`, { signal: mine.signal });
    list.replaceChildren(...found.map(entry));
    clear(box);
    if (found.length === 0) box.replaceChildren(el('p', { class: 'empty' }, `No ${singular} has “${name.value}” in the name.`));
    if (found.length === shown) box.replaceChildren(el('p', { class: 'found' }, `The first ${shown}. Type part of a name to see others.`));
  }

  function query() {
    const params = new URLSearchParams({ limit: shown });
    if (name.value) params.set('name', name.value);
    return params;
  }

  async function search() {
    try {
      await load();
    } catch (error) {
      if (error.name !== 'AbortError') notice(box, error, search);
    }
  }

  return open(async () => {
    await load();
    const form = el('form', { role: 'search', class: 'choose' }, el('label', { for: 'choose-name' }, 'Search by name'), name);
    onSearch(form, name, search);
    return [el('h2', { id: 'detail-title' }, `Choose a ${singular}`), form, box, list];
  });
}
