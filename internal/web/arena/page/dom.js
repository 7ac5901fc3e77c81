// All elements are created here. Text is inserted as text, so that no name or power is ever parsed as markup.

const svgSpace = 'http://www.w3.org/2000/svg';

export const find = (id) => document.getElementById(id);

// el creates an element. Attributes that are null or false are omitted, and functions become event listeners.
export function el(name, attributes = {}, ...children) {
  return fill(document.createElement(name), attributes, children);
}

// svg creates an SVG element.
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

// set changes the text of an element, but doesn't touch the element if the text is the same, so that screen readers
// announce only changes.
export function set(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

const whole = new Intl.NumberFormat('en');
export const number = (n) => whole.format(n);

const toTheSecond = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'medium' });
const toTheMinute = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'short' });

// time shows a point in time in the user's time zone.
export function time(text, { brief = false } = {}) {
  const at = new Date(text);
  return el('time', { datetime: text }, Number.isNaN(at.getTime()) ? String(text) : (brief ? toTheMinute : toTheSecond).format(at));
}

// notice shows an error in box, with a button to try again. Command-line flags in the message are not broken across
// lines.
export function notice(box, error, retry) {
  const pieces = error.message.split(/(--[a-z-]+)/).map((piece, i) => (i % 2 ? el('code', {}, piece) : piece));
  const children = [el('p', {}, ...pieces)];
  if (retry) children.push(el('button', { type: 'button', class: 'quiet', click: retry }, 'Try again'));
  box.replaceChildren(el('div', { class: 'notice', role: 'alert' }, ...children));
}

export const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

const typing = 250; // milliseconds without further input before a search starts

// onSearch calls search when the user pauses while typing into the input, and at once when the form is submitted.
export function onSearch(form, input, search) {
  let timer;
  input.addEventListener('input', () => {
    clearTimeout(timer);
    timer = setTimeout(search, typing);
  });
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    clearTimeout(timer);
    search();
  });
}

export const clear = (box) => box.replaceChildren();

// busy marks a button whose task is running. The button keeps the focus, but pressing it again does nothing.
export function busy(button, on) {
  if (on) button.setAttribute('aria-disabled', 'true');
  else button.removeAttribute('aria-disabled');
}

export const isBusy = (button) => button.getAttribute('aria-disabled') === 'true';
