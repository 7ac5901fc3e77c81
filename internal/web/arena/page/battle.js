// The battle page: two fighters, a location, and the fight between them.

import { call, narrationOf, read } from './api.js';
import { fighter, picture, placeKind } from './cards.js';
import { busy, clear, el, find, isBusy, notice, set } from './dom.js';
import { start as startHistory } from './history.js';
import { start as startLive } from './live.js';

const autoInterval = 2000; // milliseconds between the starts of two fights
const clash = matchMedia('(prefers-reduced-motion: reduce)').matches ? 0 : 450; // duration of the animation in the style sheet

const stage = find('stage');
const buttons = { fighters: find('new-fighters'), place: find('new-place'), fight: find('fight'), auto: find('auto') };
const box = find('battle-notice'), story = find('story');
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

let hero, villain, place; // the current fighters and location; undefined until loaded
let running; // the timer of automatic fights
let told; // the id of the fight whose story is shown or loading

const live = startLive();
const history = startHistory(live);

function showFighters(pair) {
  ({ hero, villain } = pair);
  fighter(find('hero'), 'heroes', hero);
  fighter(find('villain'), 'villains', villain);
  ready();
}

function showPlace(found) {
  place = found;
  find('scene').replaceChildren(place ? picture('locations', place, 960) : '');
  find('place').replaceChildren(...(place
    ? [el('h2', {}, place.name), el('p', { class: 'kind' }, placeKind(place.type)), el('p', {}, place.description ?? '')]
    : [el('h2', {}, 'Nowhere in particular')]));
}

function ready() {
  stage.dataset.state = 'ready';
  announce('Who will win?');
  told = undefined;
  clear(story);
}

function announce(text, name) {
  find('call').replaceChildren(el('span', {}, ...(name ? [el('b', {}, name), ' wins!'] : [text])));
}

// tell shows the story of a fight, unless another fight has begun meanwhile.
async function tell(fight) {
  told = fight.id;
  clear(story);
  const text = await narrationOf(fight.id);
  if (told === fight.id) set(story, text);
}

let turn = Promise.resolve(); // resolves when all queued tasks are done

// inTurn runs tasks one after the other, so that no fighter is replaced during a fight.
function inTurn(task) {
  const done = turn.then(task);
  turn = done.catch(() => {});
  return done;
}

// work runs the task of a button and shows a notice if the task fails.
async function work(button, task) {
  if (isBusy(button)) return;
  busy(button, true);
  clear(box);
  try {
    await inTurn(task);
  } catch (error) {
    notice(box, error, () => work(button, task));
  } finally {
    busy(button, false);
  }
}

const newFighters = () => work(buttons.fighters, async () => showFighters(await read('/api/fights/randomfighters')));
const newPlace = () => work(buttons.place, async () => showPlace(await read('/api/fights/randomlocation')));

// show plays the animation of a fight and announces the winner.
async function show(fight) {
  stage.dataset.state = 'fighting';
  await pause(clash);
  stage.dataset.state = fight.winner_team === 'heroes' ? 'hero-won' : 'villain-won';
  announce('', fight.winner_name);
  tell(fight);
  history.add(fight);
  live.expect();
}

const fightNow = () => work(buttons.fight, async () => {
  if (!hero || !villain) showFighters(await read('/api/fights/randomfighters'));
  const answer = await call('/api/fights', { method: 'POST', body: { hero, villain, location: place ?? null } });
  await show(await answer.json());
});

async function autoRound() {
  const began = performance.now();
  try {
    await inTurn(async () => {
      if (!running) return;
      const fight = await read('/api/fights/execute_fight');
      showFighters(fight);
      showPlace(fight.location);
      await show(fight);
    });
  } catch (error) {
    stopAuto();
    notice(box, error, startAuto);
    return;
  }
  if (running) running = setTimeout(autoRound, Math.max(0, autoInterval - (performance.now() - began)));
}

function startAuto() {
  clear(box);
  buttons.auto.setAttribute('aria-pressed', 'true');
  story.setAttribute('aria-live', 'off'); // a story takes longer to read aloud than a fight takes
  running = setTimeout(autoRound, 0);
}

function stopAuto() {
  clearTimeout(running);
  running = undefined;
  buttons.auto.setAttribute('aria-pressed', 'false');
  story.setAttribute('aria-live', 'polite');
}

buttons.fighters.addEventListener('click', newFighters);
buttons.place.addEventListener('click', newPlace);
buttons.fight.addEventListener('click', fightNow);
buttons.auto.addEventListener('click', () => (running ? stopAuto() : startAuto()));

newFighters();
newPlace();
