// The token of those who may edit. It is typed in, kept for this tab only, and sent to the catalogs only.

import { find, set } from './dom.js';

const key = 'arena.token';

export const token = () => sessionStorage.getItem(key) ?? '';

// start wires the form of the token. onChange is called when there is another, or none any more.
export function start(onChange) {
  const text = find('token-text');
  find('token-form').addEventListener('submit', (event) => {
    event.preventDefault();
    if (text.value) sessionStorage.setItem(key, text.value);
    text.value = '';
    show();
    find('token').open = false;
    find('token').querySelector('summary').focus();
  });
  find('token-forget').addEventListener('click', () => {
    sessionStorage.removeItem(key);
    show();
    text.focus();
  });

  function show() {
    const state = find('token-state');
    state.dataset.link = token() ? 'live' : 'off';
    set(state, token() ? 'on' : 'off');
    find('token-forget').hidden = !token();
    onChange();
  }
  show();
}

// authorization returns the headers of a write.
export const authorization = () => ({ Authorization: `Bearer ${token()}` });
