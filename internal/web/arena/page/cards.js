// Rendering of an entry: picture, powers and facts. The page always shows the emblem drawn by the service, never the
// picture URL of the entry, because it loads nothing from other sites.

import { el, number, svg } from './dom.js';

// picture shows the emblem of an entry, or a silhouette if the entry was deleted or has no id.
export function picture(catalog, entry, size = 240, role = '') {
  const frame = el('span', { class: `picture ${role}` });
  if (!Number.isSafeInteger(entry.id) || entry.id < 1) {
    frame.append(silhouette(catalog));
    return frame;
  }
  const src = `/api/${catalog}/${entry.id}/picture.svg?${stateOf(entry)}`;
  const image = el('img', { alt: '', width: size, height: size, decoding: 'async', src });
  image.addEventListener('error', () => frame.replaceChildren(silhouette(catalog)), { once: true });
  frame.append(image);
  return frame;
}

// stateOf returns a hash of an entry's fields for the URL of its picture: as long as the URL stays the same, a browser
// reuses a loaded picture without revalidation.
function stateOf({ name, otherName, level, powers, type, description }) {
  let hash = 0;
  for (const letter of JSON.stringify([name, otherName, level, powers, type, description])) {
    hash = (Math.imul(hash, 31) + letter.codePointAt(0)) >>> 0;
  }
  return hash.toString(36);
}

function silhouette(catalog) {
  const shape = catalog === 'locations'
    ? 'M30 200V120l40-20v30l40-50v40l40-70v60l30-20 30 30v80z'
    : 'M120 52a38 38 0 0 1 38 38c0 16-8 30-18 38l46 22c14 7 22 22 22 38v22H32v-22c0-16 8-31 22-38l46-22c-10-8-18-22-18-38a38 38 0 0 1 38-38z';
  return svg('svg', { class: 'silhouette', viewBox: '0 0 240 240', 'aria-hidden': 'true' }, svg('path', { d: shape }));
}

// chips shows powers as a list: all of them, or the first few and the number of the others.
export function chips(powers, most = Infinity) {
  const each = String(powers ?? '').split(',').map((power) => power.trim()).filter(Boolean);
  if (each.length === 0) return el('p', { class: 'none' }, 'No known powers');
  const rest = each.length - most > 1 ? each.splice(most) : [];
  return el('ul', { class: 'chips', 'aria-label': 'Powers' }, ...each.map((power) => el('li', { title: power }, power)),
    rest.length > 0 ? el('li', { title: rest.join(', ') }, `${rest.length} more`) : null);
}

const powersOnCard = 3;

// fighter fills the card of a fighter. The level stays hidden until the fight.
export function fighter(card, catalog, entry) {
  card.replaceChildren(
    picture(catalog, entry),
    el('div', { class: 'facts' },
      el('h2', {}, entry.name),
      entry.otherName ? el('p', { class: 'alias' }, entry.otherName) : null,
      el('p', { class: 'level' }, el('span', {}, 'Level '), el('b', {}, '?')),
      chips(entry.powers, powersOnCard)),
  );
  card.setAttribute('aria-busy', 'false');
}

// levelOf returns the element of a fighter's card that shows the level.
export const levelOf = (card) => card.querySelector('.level b');

const kinds = { CITY: 'City', PLANET: 'Planet', PLACE: 'Place', ISLAND: 'Island', COUNTRY: 'Country', MOON: 'Moon' };

export const placeKinds = Object.keys(kinds);
export const placeKind = (type) => kinds[type] ?? String(type ?? '');
