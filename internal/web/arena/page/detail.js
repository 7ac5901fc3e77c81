// The dialog that shows a single entry or fight in full. Its URL has a fragment, so it can be linked to and closed with
// the Back button.

import { clear, el, find, notice } from './dom.js';

const dialog = find('detail');
let back; // the element that had the focus before the dialog opened

dialog.addEventListener('close', () => {
  if (location.hash) history.replaceState(null, '', location.pathname + location.search);
  clear(dialog);
  if (back?.isConnected) back.focus();
  else find('main').focus();
});
dialog.addEventListener('click', (event) => { if (event.target === dialog) dialog.close(); });
addEventListener('hashchange', () => { if (!location.hash && dialog.open) dialog.close(); });

// open shows the content that make returns, or a notice if make fails.
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

// show replaces the content of the dialog and focuses its title. If a button had the focus, the rest of the key press
// that opened the dialog would press that button.
export function show(content) {
  dialog.replaceChildren(el('button', { type: 'button', class: 'close', 'aria-label': 'Close', click: close }, '×'), ...content);
  const title = find('detail-title');
  title.tabIndex = -1;
  title.autofocus = true;
  if (dialog.open) title.focus();
}

export const close = () => dialog.close();
