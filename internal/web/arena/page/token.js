// The administrator's token. The user types it in; it is stored for this tab only and sent only to the catalogs.

import { find, set } from './dom.js';

const key = 'arena.token';

export const token = () => sessionStorage.getItem(key) ?? '';

// start sets up the token form. It calls onChange immediately, and again whenever the token is set or removed.
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

// authorization returns the Authorization header for a change.
export const authorization = () => ({ Authorization: `Bearer ${token()}` });
