// The battle page: two fighters, a location, a guess, and the fight between them.

import { call, narrationOf, read } from './api.js';
import { fighter, levelOf, picture, placeKind } from './cards.js';
import { choose } from './choose.js';
import { busy, clear, el, find, isBusy, notice, number, pause, set } from './dom.js';
import { start as startHistory } from './history.js';
import { start as startLive } from './live.js';
import { start as startStreak } from './streak.js';

const autoInterval = 3000; // milliseconds between the starts of two fights
const longestWait = 24_000; // milliseconds between two attempts while fights fail
const calm = matchMedia('(prefers-reduced-motion: reduce)').matches;
const clash = 450; // milliseconds, the duration of the animation in the style sheet
const counting = { steps: 30, pause: 30 }; // of the levels, pause in milliseconds

const stage = find('stage');
const buttons = { fighters: find('new-fighters'), place: find('new-place'), fight: find('fight'), rematch: find('rematch'), auto: find('auto') };
const box = find('battle-notice'), story = find('story');

let hero, villain, place; // the current fighters and location; undefined until loaded
let auto; // the timer and the failures of automatic fights; undefined when they are off
let told; // the id of the fight whose story is shown or loading

const live = startLive();
const history = startHistory(live);
const streak = startStreak();

// showFighters shows two fighters, or one if the other can't be loaded, without their levels: the higher level wins.
function showFighters(pair) {
  ({ hero, villain } = pair);
  if (hero) fighter(find('hero'), 'heroes', hero);
  if (villain) fighter(find('villain'), 'villains', villain);
  state(hero && villain ? 'ready' : 'waiting');
  announce('Who will win?');
  streak.ask(hero, villain);
  told = undefined;
  clear(story);
}

function showPlace(found) {
  place = found;
  find('scene').replaceChildren(place ? picture('locations', place, 960) : '');
  find('place').replaceChildren(...(place
    ? [el('h2', {}, place.name), el('p', { class: 'kind' }, placeKind(place.type)), el('p', {}, place.description ?? '')]
    : [el('h2', {}, 'Nowhere in particular')]));
}

// state changes what the stage shows, and what the main button does: after a result, it brings the next pair.
function state(now) {
  stage.dataset.state = now;
  if (now === 'fighting') return;
  busy(buttons.rematch, !isOver());
  set(buttons.fight, isOver() ? 'Next pair' : 'Fight!');
}

const isOver = () => stage.dataset.state.endsWith('won');

function announce(...text) {
  find('call').replaceChildren(el('span', {}, ...text));
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
    trouble(error, () => work(button, task));
  } finally {
    busy(button, false);
  }
}

// trouble shows why nobody can fight, and where to look.
function trouble(error, retry) {
  notice(box, error, retry);
  box.firstChild.append(el('a', { href: '/status' }, 'Status of the services'));
  if (!hero || !villain) announce('Nobody can fight');
}

const loadFighters = async () => showFighters(await read('/api/fights/randomfighters'));
const loadPlace = async () => showPlace(await read('/api/fights/randomlocation'));

const newFighters = () => work(buttons.fighters, loadFighters);
const newPlace = () => work(buttons.place, loadPlace);

// isClose reports whether the winner's level is less than one and a half times the loser's, as in one fight of eleven.
function isClose({ hero, villain }) {
  const [low, high] = [hero.level, villain.level].sort((a, b) => a - b);
  return 2 * high < 3 * low;
}

// countLevels reveals the levels of both fighters. Both count up at the same pace, which grows with the number, so that
// one can't see early who goes on longer.
async function countLevels(fight) {
  const both = [[levelOf(find('hero')), fight.hero.level], [levelOf(find('villain')), fight.villain.level]];
  const last = Math.log1p(Math.max(0, ...both.map(([, level]) => level)));
  for (let step = 1; step < counting.steps && !calm && !document.hidden; step++) { // a hidden page's timers are slow
    const reached = Math.round(Math.expm1((last * step) / counting.steps));
    for (const [shown, level] of both) set(shown, number(Math.min(level, reached)));
    await pause(counting.pause);
  }
  for (const [shown, level] of both) set(shown, number(level));
}

// show plays the animation of a fight and announces the winner.
async function show(fight) {
  state('fighting');
  streak.close();
  if (!calm) await pause(clash);
  await countLevels(fight);
  state(fight.winner_team === 'heroes' ? 'hero-won' : 'villain-won');
  announce(isClose(fight) ? el('small', {}, 'Upset! ') : null, el('b', {}, fight.winner_name), ' wins!');
  streak.resolve(fight);
  tell(fight);
  history.add(fight);
  live.expect();
}

async function fightTheseTwo() {
  const answer = await call('/api/fights', { method: 'POST', body: { hero, villain, location: place ?? null } });
  await show(await answer.json());
}

// nextPair shows two new fighters at a new place. The fighters are shown even if there is no place.
async function nextPair() {
  const placed = loadPlace();
  placed.catch(() => {});
  await loadFighters();
  await placed;
}

const press = () => work(buttons.fight, async () => {
  if (isOver()) return nextPair();
  if (!hero || !villain) await loadFighters();
  return fightTheseTwo();
});

const rematch = () => work(buttons.rematch, async () => {
  if (isOver()) await fightTheseTwo();
});

// autoRound executes a fight and plans the next. While fights fail, it counts them and waits longer and longer.
async function autoRound() {
  const began = performance.now(), mine = auto;
  let wait = autoInterval;
  try {
    await inTurn(async () => {
      if (auto !== mine) return;
      const fight = await read('/api/fights/execute_fight');
      showFighters(fight);
      showPlace(fight.location);
      await show(fight);
    });
    if (auto === mine && mine.inARow > 0) box.replaceChildren(el('p', { class: 'empty' }, `${failures(mine)}, then they went on.`));
    mine.inARow = 0;
  } catch (error) {
    mine.failed++;
    mine.inARow++;
    wait = Math.min(longestWait, autoInterval * 2 ** (mine.inARow - 1));
    if (auto === mine) trouble({ message: `${failures(mine)}. ${error.message}` });
  }
  if (auto === mine) mine.timer = setTimeout(autoRound, Math.max(0, wait - (performance.now() - began)));
}

const failures = ({ failed }) => `${number(failed)} automatic ${failed === 1 ? 'fight' : 'fights'} failed`;

function startAuto() {
  clear(box);
  buttons.auto.setAttribute('aria-pressed', 'true');
  story.setAttribute('aria-live', 'off'); // a story takes longer to read aloud than a fight takes
  auto = { failed: 0, inARow: 0, timer: setTimeout(autoRound, 0) };
}

function stopAuto() {
  clearTimeout(auto.timer);
  auto = undefined;
  clear(box);
  buttons.auto.setAttribute('aria-pressed', 'false');
  story.setAttribute('aria-live', 'polite');
}

buttons.fighters.addEventListener('click', newFighters);
buttons.place.addEventListener('click', newPlace);
buttons.fight.addEventListener('click', press);
buttons.rematch.addEventListener('click', rematch);
buttons.auto.addEventListener('click', () => (auto ? stopAuto() : startAuto()));
find('choose-hero').addEventListener('click', () => choose('heroes', 'hero', (entry) => inTurn(() => showFighters({ hero: entry, villain }))));
find('choose-villain').addEventListener('click', () => choose('villains', 'villain', (entry) => inTurn(() => showFighters({ hero, villain: entry }))));
find('choose-place').addEventListener('click', () => choose('locations', 'place', (entry) => inTurn(() => showPlace(entry))));

newFighters();
newPlace();
