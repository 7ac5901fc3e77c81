// The forms that create, edit and delete an entry. Each error that the service reports is shown next to its field.

import { call } from './api.js';
import { placeKind, placeKinds } from './cards.js';
import { busy, clear, el, isBusy, notice } from './dom.js';
import { authorization } from './token.js';

const characters = [
  { name: 'name', label: 'Name', required: true },
  { name: 'otherName', label: 'Other name' },
  { name: 'level', label: 'Level', kind: 'number' },
  { name: 'powers', label: 'Powers, separated by commas', kind: 'textarea' },
  { name: 'picture', label: 'Picture URL, for other clients; the arena draws its own picture' },
];
const places = [
  { name: 'name', label: 'Name', required: true },
  { name: 'type', label: 'Type', kind: 'select' },
  { name: 'description', label: 'Description', kind: 'textarea' },
  { name: 'picture', label: 'Picture URL, for other clients; the arena draws its own picture' },
];

const fieldsOf = (catalog) => (catalog === 'locations' ? places : characters);
const singular = { heroes: 'hero', villains: 'villain', locations: 'location' };

// editForm returns the content of the dialog that edits an entry, or creates an entry if entry is null.
export function editForm(catalog, entry, etag, { saved, again, cancel }) {
  const box = el('div'), submit = el('button', { type: 'submit', class: 'primary' }, entry ? 'Save' : 'Create');
  const fields = fieldsOf(catalog).map((field) => newField(field, entry?.[field.name] ?? ''));
  const form = el('form', { class: 'edit', novalidate: true }, ...fields.map((field) => field.row), box,
    el('div', { class: 'controls' }, submit, el('button', { type: 'button', class: 'quiet', click: cancel }, 'Cancel')));
  form.addEventListener('submit', async (event) => {
    event.preventDefault();
    if (isBusy(submit)) return;
    busy(submit, true);
    clear(box);
    fields.forEach((field) => field.refuse(''));
    try {
      const answer = await write(catalog, entry, etag, Object.fromEntries(fields.map((field) => [field.name, field.value()])));
      saved(entry?.id ?? idOf(answer.headers.get('Location')));
    } catch (error) {
      explain(error, { catalog, box, fields, again, undone: 'Nothing was saved.' });
    } finally {
      busy(submit, false);
    }
  });
  return [el('h2', { id: 'detail-title' }, entry ? `Edit ${entry.name}` : `New ${singular[catalog]}`), form];
}

function write(catalog, entry, etag, body) {
  if (!entry) return call(`/api/${catalog}`, { method: 'POST', body, headers: authorization() });
  return call(`/api/${catalog}/${entry.id}`, { method: 'PUT', body, headers: { ...authorization(), ...ifMatch(etag) } });
}

const ifMatch = (etag) => (etag ? { 'If-Match': etag } : {});

const idOf = (path) => /\/([0-9]+)$/.exec(path ?? '')?.[1];

function newField({ name, label, kind, required }, value) {
  const id = `field-${name}`, about = `${id}-error`;
  const input = newInput(kind, { id, name, required, autocomplete: 'off' }, value);
  const error = el('p', { class: 'refused', id: about, hidden: true });
  return {
    name,
    input,
    row: el('div', { class: 'field' }, el('label', { for: id }, label), input, error),
    value: () => (kind === 'number' ? numeric(input.value) : input.value),
    refuse(message) {
      error.hidden = !message;
      error.textContent = message;
      if (message) { input.setAttribute('aria-invalid', 'true'); input.setAttribute('aria-describedby', about); }
      else { input.removeAttribute('aria-invalid'); input.removeAttribute('aria-describedby'); }
    },
  };
}

function newInput(kind, attributes, value) {
  if (kind === 'select') {
    return el('select', attributes, ...placeKinds.map((type) => el('option', { value: type, selected: type === value }, placeKind(type))));
  }
  const input = kind === 'textarea' ? el('textarea', { ...attributes, rows: 3 })
    : el('input', { ...attributes, type: 'text', inputmode: kind === 'number' ? 'numeric' : null });
  input.value = value;
  return input;
}

// numeric converts the text of a field to a number, and an empty text to null. It returns other text unchanged, so that
// the service reports the error.
function numeric(text) {
  if (text.trim() === '') return null;
  return Number.isFinite(Number(text)) ? Number(text) : text;
}

// explain shows each error next to its field, and any other error below the form.
function explain(error, { catalog, box, fields = [], again, undone }) {
  const messages = new Map(error.places?.map(({ location, message }) => [location, message]));
  const refused = fields.filter(({ name }) => messages.has(`body.${name}`));
  for (const field of refused) field.refuse(`This ${messages.get(`body.${field.name}`)}.`);
  refused[0]?.input.focus();
  if (error.status === 412) {
    notice(box, { message: `Someone else has changed it in the meantime. ${undone}` }, again);
    box.querySelector('button').textContent = 'Show theirs';
    return;
  }
  if (refused.length > 0) return;
  notice(box, [401, 429].includes(error.status) ? { message: `${catalog} rejects this token. Enter the correct one under Editing.` } : error);
}

// deleteForm returns the content of the dialog that asks for confirmation and then deletes an entry.
export function deleteForm(catalog, entry, etag, { deleted, again, cancel }) {
  const box = el('div');
  const yes = el('button', { type: 'button', class: 'danger', id: 'delete-yes', click: async () => {
    if (isBusy(yes)) return;
    busy(yes, true);
    try {
      await call(`/api/${catalog}/${entry.id}`, { method: 'DELETE', headers: { ...authorization(), ...ifMatch(etag) } });
      deleted();
    } catch (error) {
      explain(error, { catalog, box, again, undone: 'Nothing was deleted.' });
    } finally {
      busy(yes, false);
    }
  } }, `Delete ${entry.name}`);
  return [
    el('h2', { id: 'detail-title' }, `Delete ${entry.name}?`),
    el('p', {}, 'It will not be picked again. Its past fights stay unchanged.'), box,
    el('div', { class: 'controls' }, yes, el('button', { type: 'button', class: 'quiet', click: cancel }, 'Keep it')),
  ];
}
