// The dialog that shows one thing in full. Its address has a fragment, so that it can be linked to and left with Back.

import { clear, el, find, notice } from './dom.js';

const dialog = find('detail');
let back; // what had the focus

dialog.addEventListener('close', () => {
  if (location.hash) history.replaceState(null, '', location.pathname + location.search);
  clear(dialog);
  if (back?.isConnected) back.focus();
  else find('main').focus();
});
dialog.addEventListener('click', (event) => { if (event.target === dialog) dialog.close(); });
addEventListener('hashchange', () => { if (!location.hash && dialog.open) dialog.close(); });

// open shows what make returns, or why it can't.
export async function open(make) {
  if (!dialog.open) {
    back = document.activeElement;
    show([el('h2', { id: 'detail-title' }, 'Loading')]);
    dialog.showModal();
  }
  try {
    show(await make());
  } catch (error) {
    const box = el('div');
    show([el('h2', { id: 'detail-title' }, 'This can’t be shown'), box]);
    notice(box, error, () => open(make));
  }
}

// show replaces what the dialog shows. Its title gets the focus: on a button, what is left of the key press that opened
// the dialog would press it.
export function show(content) {
  dialog.replaceChildren(el('button', { type: 'button', class: 'close', 'aria-label': 'Close', click: close }, '×'), ...content);
  const title = find('detail-title');
  title.tabIndex = -1;
  title.autofocus = true;
  if (dialog.open) title.focus();
}

export const close = () => dialog.close();
