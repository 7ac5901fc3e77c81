// All requests to the services are sent from here, to the page's own origin.

// Problem is an error response. Its status is 0 if there was no response at all.
export class Problem extends Error {
  constructor(status, detail, places = []) {
    super(detail);
    this.status = status;
    this.places = places; // {location: "body.name", message: "is missing"}
  }
}

// patience is the time limit for a response in milliseconds, longer than the services' own deadline.
const patience = 12_000;

// call returns the response to a request, or throws a Problem.
export async function call(path, { method = 'GET', body, headers = {}, signal } = {}) {
  const init = { method, headers: { Accept: 'application/json', ...headers }, cache: 'no-store', redirect: 'error' };
  if (body !== undefined) {
    init.body = JSON.stringify(body);
    init.headers['Content-Type'] = 'application/json';
  }
  const limit = AbortSignal.timeout(patience);
  init.signal = signal ? AbortSignal.any([signal, limit]) : limit;
  let response;
  try {
    response = await fetch(path, init);
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new Problem(0, limit.aborted ? 'The arena took too long to respond.' : 'Can’t reach the arena: it was stopped, or the network is down.');
  }
  if (!response.ok) throw await problemOf(response, path);
  return response;
}

// read returns the parsed JSON of a response, or throws a Problem.
export async function read(path, options) {
  const response = await call(path, options);
  try {
    return await response.json();
  } catch (error) {
    if (options?.signal?.aborted) throw error;
    throw new Problem(0, `${partOf(path)} sent an incomplete response.`);
  }
}

// narrationOf returns the story of a fight as plain text, or '' if there is none. A page is complete without it.
export async function narrationOf(id) {
  try {
    const { narration } = await read(`/api/fights/${id}/narration`);
    return String(narration ?? '');
  } catch {
    return '';
  }
}

// problemOf converts an error response to a Problem whose message always names the service.
export async function problemOf(response, path) {
  const part = partOf(path);
  let problem = {};
  try {
    problem = await response.json();
  } catch {
    // the body isn't a JSON problem, so only the status is known
  }
  const detail = typeof problem?.detail === 'string' ? typeset(problem.detail) : `returned status ${response.status}`;
  const named = detail.includes(part) ? detail : `${part}: ${detail}`;
  return new Problem(response.status, named, Array.isArray(problem?.errors) ? problem.errors : []);
}

// typeset gives a service's message the apostrophes of the page's own texts.
export const typeset = (detail) => detail.replaceAll(/(?<=\w)'(?=\w)/g, '’');

function partOf(path) {
  return path.split(/[/?]/)[2] ?? 'The arena';
}
