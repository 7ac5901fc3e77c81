// The administrator's token. The user types it in; once the catalog accepts it, it is stored for this tab only, and sent
// only to the catalogs.

import { call } from './api.js';
import { busy, find, isBusy, set } from './dom.js';

const key = 'arena.token';

export const token = () => sessionStorage.getItem(key) ?? '';

// authorization returns the Authorization header for a change. Headers consist of bytes, so the token is sent in UTF-8.
export const authorization = (text = token()) => ({ Authorization: `Bearer ${String.fromCharCode(...new TextEncoder().encode(text))}` });

// refusal returns why a catalog doesn't accept a token, or '' if it does. It asks for a change that is never made: no
// entry has the id 0. A service checks the token before the id.
async function refusal(catalog, text) {
  try {
    await call(`/api/${catalog}/0`, { method: 'DELETE', headers: { ...authorization(text), 'If-None-Match': '*' } });
    return '';
  } catch (error) {
    switch (error.status) {
      case 422: return ''; // the id is refused, so the token isn't
      case 401: return `${catalog} rejects this token.`;
      case 429: return `${catalog} rejects this token, and too many wrong ones were tried. Wait a minute before you try another.`;
    }
    const said = error.message.replace(/\.?$/, '.');
    return error.status === 403 ? said : `${said} The token was not checked.`;
  }
}

// start sets up the token form. It calls onChange immediately, and again whenever the token is set or removed.
export function start(catalog, onChange) {
  const text = find('token-text'), use = find('token-use'), error = find('token-error');
  find('token-form').addEventListener('submit', async (event) => {
    event.preventDefault();
    if (isBusy(use)) return;
    busy(use, true);
    explain('');
    const entered = text.value;
    const why = entered ? await refusal(catalog, entered) : 'Enter the token first.';
    busy(use, false);
    explain(why);
    if (why) return text.focus();
    sessionStorage.setItem(key, entered);
    text.value = '';
    show();
    find('token').open = false;
    find('token').querySelector('summary').focus();
  });
  find('token-forget').addEventListener('click', () => {
    sessionStorage.removeItem(key);
    explain('');
    show();
    text.focus();
  });

  function explain(why) {
    set(error, why);
    error.hidden = !why;
    if (why) text.setAttribute('aria-invalid', 'true');
    else text.removeAttribute('aria-invalid');
    text.setAttribute('aria-describedby', why ? 'token-error' : 'token-hint');
  }

  function show() {
    const state = find('token-state');
    state.dataset.link = token() ? 'live' : 'off';
    set(state, token() ? 'on' : 'off');
    find('token-forget').hidden = !token();
    onChange();
  }
  show();
}
