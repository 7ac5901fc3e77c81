// The guess who will win, and how often in a row it was right. A guess counts once: a rematch has a known result.

import { busy, find, isBusy, number, set } from './dom.js';

const key = 'arena.best'; // the longest streak, kept by this browser

// start sets up the buttons for a guess and returns the functions that the battle calls.
export function start() {
  const sides = { heroes: find('guess-hero'), villains: find('guess-villain') };
  const line = find('streak');
  let names = {}; // by team
  let guess; // "heroes", "villains", or undefined
  let counted = true; // whether this pair has fought
  let streak = 0, best = bestKept();

  function choose(team) {
    guess = team;
    for (const [side, button] of Object.entries(sides)) button.setAttribute('aria-pressed', String(side === team));
  }

  for (const [team, button] of Object.entries(sides)) {
    button.addEventListener('click', () => { if (!isBusy(button)) choose(guess === team ? undefined : team); });
  }

  return {
    // ask starts a new guess about two fighters.
    ask(hero, villain) {
      names = { heroes: hero?.name, villains: villain?.name };
      choose(undefined);
      counted = false;
      for (const [team, button] of Object.entries(sides)) {
        busy(button, !hero || !villain);
        button.setAttribute('aria-label', `My guess: ${names[team]}`);
      }
      set(line, streak > 0 ? `${inARow(streak)}. Who wins this one?` : 'Guess who wins, or just fight.');
    },
    // close ends the time for guesses: the fight has begun.
    close() {
      for (const button of Object.values(sides)) busy(button, true);
    },
    // resolve compares the guess with the result of the fight.
    resolve({ winner_team: winner }) {
      if (guess === undefined || counted) {
        set(line, '');
        return;
      }
      counted = true;
      const ended = streak, right = guess === winner;
      streak = right ? streak + 1 : 0;
      if (streak > best) keepBest(best = streak);
      if (right) set(line, `You were right!${praise(streak, best)}`);
      else set(line, `You guessed ${names[guess]}.${ended > 1 ? ` That ends a streak of ${number(ended)}.` : ''}`);
    },
  };
}

const inARow = (n) => (n === 1 ? 'One right so far' : `${number(n)} right in a row`);

function praise(streak, best) {
  if (streak === 1) return best > 1 ? ` Your best streak is ${number(best)}.` : '';
  return ` ${inARow(streak)}${best > streak ? `, your best is ${number(best)}` : ''}.`;
}

// The browser may refuse to keep anything; then the best streak is forgotten with the page.
function bestKept() {
  try {
    return Number(localStorage.getItem(key)) || 0;
  } catch {
    return 0;
  }
}

function keepBest(best) {
  try {
    localStorage.setItem(key, String(best));
  } catch {
    // see bestKept
  }
}
