// One iteration of the family's load test: two fighters, a place, and the fight between them. The same script works
// with any member: it checks only what every member returns.
import http from 'k6/http';
import { check } from 'k6';
import { Counter } from 'k6/metrics';

// K6_HOST is the base URL of the fights service, such as http://fights:8000.
const host = (__ENV.K6_HOST || 'http://localhost:8004').replace(/\/$/, '');

// acknowledged counts the fights that got a 200 with a correct result.
export const acknowledged = new Counter('fights_acknowledged');

export function randomFight() {
  const fighters = answer(http.get(`${host}/api/fights/randomfighters`, named('randomfighters')), {
    'randomfighters: a hero and a villain': (body) => isFighter(body.hero) && isFighter(body.villain),
  });
  const place = answer(http.get(`${host}/api/fights/randomlocation`, named('randomlocation')), {
    'randomlocation: a place': (body) => isName(body.name),
  });
  if (!fighters || !place) {
    return null;
  }
  const request = { hero: fighters.hero, villain: fighters.villain, location: place };
  const headers = { 'Content-Type': 'application/json' };
  const response = http.post(`${host}/api/fights`, JSON.stringify(request), { headers, ...named('fight') });
  const fight = answer(response, {
    'fight: the stronger wins, a tie goes to the villain': (body) => isDecided(body, request),
  });
  if (fight) {
    acknowledged.add(1);
  }
  return fight;
}

// countStored returns the number of fights that the member has stored, or null if the member doesn't report the
// number.
export function countStored() {
  const { status, body } = ask('/api/fights/count', 'count');
  return status === 200 && Number.isInteger(body?.count) ? body.count : null;
}

// profileOf returns the profile that the member reports, or null; other members of the family have none.
export function profileOf() {
  return ask('/healthz', 'healthz').body?.profile ?? null;
}

// ask returns a response's status and its JSON body, which is null if the body isn't JSON. Every status counts as
// expected, because members without the requested path may respond in any way.
function ask(path, name) {
  const response = http.get(`${host}${path}`, { ...named(name), responseCallback: http.expectedStatuses({ min: 200, max: 599 }) });
  try {
    return { status: response.status, body: response.json() };
  } catch {
    return { status: response.status, body: null };
  }
}

// named returns parameters that give a request its name in the results.
function named(name) {
  return { tags: { name } };
}

// answer returns the JSON body of a correct response, or null for any other response.
function answer(response, contents) {
  const name = response.request.url.split('/').pop();
  if (!check(response, { [`${name}: status 200`]: (r) => r.status === 200 })) {
    return null;
  }
  let body;
  try {
    body = response.json();
  } catch {
    body = null;
  }
  if (!check(body, { [`${name}: JSON`]: (b) => b !== null && typeof b === 'object' })) {
    return null;
  }
  return check(body, contents) ? body : null;
}

function isName(name) {
  return typeof name === 'string' && name !== '' && !name.toLowerCase().includes('fallback');
}

function isFighter(fighter) {
  return fighter && isName(fighter.name) && Number.isInteger(fighter.level);
}

function isDecided(fight, { hero, villain }) {
  const heroWins = hero.level > villain.level;
  const [winner, loser] = heroWins ? [hero, villain] : [villain, hero];
  return (
    fight.winner_name === winner.name &&
    fight.loser_name === loser.name &&
    fight.winner_level === winner.level &&
    fight.loser_level === loser.level &&
    fight.winner_team === (heroWins ? 'heroes' : 'villains') &&
    fight.loser_team === (heroWins ? 'villains' : 'heroes') &&
    Boolean(fight.id)
  );
}
