import { EventParser } from './sse.js';

const KEY = 'graft.key';

/** An answer of the server that is not the one asked for; status 0: there was none. */
export class ApiError extends Error {
  /** @param retryAfter seconds that the server asks to wait, or null */
  constructor(status, message, { type = null, code = null, retryAfter = null } = {}) {
    super(message);
    this.status = status;
    this.type = type;
    this.code = code;
    this.retryAfter = retryAfter;
  }
}

/** The key that was typed in, until the tab is closed; null without one. */
export function key() {
  try {
    return sessionStorage.getItem(KEY);
  } catch {
    return null;
  }
}

export function useKey(value) {
  try {
    if (value) sessionStorage.setItem(KEY, value);
    else sessionStorage.removeItem(KEY);
  } catch {
    // without storage there is no key
  }
}

/** @returns {Promise<number>} 200 ready, 503 loading */
export async function health() {
  return (await call('/health', { cache: 'no-store' })).status;
}

/** @returns {Promise<{id: string, parent: string|null}[]>} in the server's order @throws {ApiError} */
export async function models() {
  const response = await call('/v1/models', { headers: headers(), cache: 'no-store' });
  if (!response.ok) throw await errorOf(response);
  const list = await response.json();
  return list.data.map(({ id, parent }) => ({ id, parent: parent ?? null }));
}

/** A streamed answer's chunks, as they come. @throws {ApiError}, or an AbortError when signal says so */
export async function* chat(body, signal) {
  const response = await call('/v1/chat/completions', {
    method: 'POST',
    headers: { ...headers(), 'Content-Type': 'application/json', Accept: 'text/event-stream' },
    body: JSON.stringify(body),
    signal,
  });
  if (!response.ok) throw await errorOf(response);
  if (!(response.headers.get('Content-Type') ?? '').startsWith('text/event-stream')) {
    throw new ApiError(response.status, 'The server did not answer with a stream.');
  }
  const parser = new EventParser();
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  try {
    for (;;) {
      const { value, done } = await reader.read();
      if (done) break;
      for (const data of parser.push(value)) {
        if (data === '[DONE]') return;
        const chunk = parse(data);
        if (chunk.error) throw new ApiError(response.status, chunk.error.message, chunk.error);
        yield chunk;
      }
    }
  } catch (e) {
    if (e instanceof ApiError || e.name === 'AbortError') throw e;
    throw new ApiError(0, 'The connection broke before the answer was whole.');
  } finally {
    reader.cancel().catch(() => {});
  }
  throw new ApiError(0, 'The connection ended before the answer was whole.');
}

function headers() {
  const bearer = key();
  return bearer ? { Authorization: `Bearer ${bearer}` } : {};
}

async function call(path, options) {
  try {
    return await fetch(path, options);
  } catch (e) {
    if (e.name === 'AbortError') throw e;
    throw new ApiError(0, 'The server cannot be reached. Is graft serve still running?');
  }
}

function parse(data) {
  try {
    return JSON.parse(data);
  } catch {
    throw new ApiError(0, `The server sent an event that is not JSON: ${data.slice(0, 80)}`);
  }
}

async function errorOf(response) {
  const wait = Number.parseFloat(response.headers.get('Retry-After') ?? '');
  const retryAfter = Number.isFinite(wait) && wait >= 0 ? wait : null;
  const text = await response.text().catch(() => '');
  try {
    const { message, type, code } = JSON.parse(text).error;
    if (typeof message === 'string') return new ApiError(response.status, message, { type, code, retryAfter });
  } catch {
    // a proxy's page, or nothing: the status has to do
  }
  return new ApiError(response.status, response.statusText || `HTTP status ${response.status}`, { retryAfter });
}
