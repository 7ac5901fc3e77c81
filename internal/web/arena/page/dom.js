// Elements are made here and nowhere else. Text goes in as text: no name or power is ever read as markup.

const svgSpace = 'http://www.w3.org/2000/svg';

export const find = (id) => document.getElementById(id);

// el makes an element. Attributes that are null or false are left out, functions are listeners.
export function el(name, attributes = {}, ...children) {
  return fill(document.createElement(name), attributes, children);
}

// svg makes an element of a drawing.
export function svg(name, attributes = {}, ...children) {
  return fill(document.createElementNS(svgSpace, name), attributes, children);
}

function fill(element, attributes, children) {
  for (const [key, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (typeof value === 'function') element.addEventListener(key, value);
    else element.setAttribute(key, value === true ? '' : String(value));
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined));
  return element;
}

// set gives an element another text, and touches nothing when it is the same: what listens hears changes only.
export function set(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

const whole = new Intl.NumberFormat('en');
export const number = (n) => whole.format(n);

const toTheSecond = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'medium' });
const toTheMinute = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'short' });

// time shows a moment in the reader's own zone.
export function time(text, { brief = false } = {}) {
  const at = new Date(text);
  return el('time', { datetime: text }, Number.isNaN(at.getTime()) ? String(text) : (brief ? toTheMinute : toTheSecond).format(at));
}

// notice tells in box what went wrong, where it went wrong, and offers to try again. A flag that it names stays in one line.
export function notice(box, error, retry) {
  const pieces = error.message.split(/(--[a-z-]+)/).map((piece, i) => (i % 2 ? el('code', {}, piece) : piece));
  const children = [el('p', {}, ...pieces)];
  if (retry) children.push(el('button', { type: 'button', class: 'quiet', click: retry }, 'Try again'));
  box.replaceChildren(el('div', { class: 'notice', role: 'alert' }, ...children));
}

export const clear = (box) => box.replaceChildren();

// busy marks a button that is at work. It stays where the focus is; pressing it again does nothing.
export function busy(button, on) {
  if (on) button.setAttribute('aria-disabled', 'true');
  else button.removeAttribute('aria-disabled');
}

export const isBusy = (button) => button.getAttribute('aria-disabled') === 'true';
