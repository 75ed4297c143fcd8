import { TokenReader } from './tokens.js';

/**
 * An answer before its first chunk.
 * state: waiting, streaming, done, stopped or failed. Times are in milliseconds since the request; null before they are known.
 */
export function newAnswer(request) {
  return { request, state: 'waiting', text: '', tokens: [], chunks: 0, finish: null, usage: null, firstAt: null, lastAt: null, error: null };
}

/** Takes the chunks of one stream into an answer. */
export class AnswerReader {
  #tokens = new TokenReader();

  constructor(answer) {
    this.answer = answer;
  }

  /** @param at milliseconds since the request */
  take(chunk, at) {
    const { answer } = this;
    if (chunk.usage) answer.usage = chunk.usage;
    const choice = chunk.choices?.[0];
    if (!choice) return;
    const text = choice.delta?.content ?? '';
    const logprobs = choice.logprobs?.content ?? [];
    for (const token of logprobs) answer.tokens.push(this.#tokens.take(token));
    if (text !== '' || logprobs.length > 0) {
      answer.state = 'streaming';
      answer.firstAt ??= at;
      answer.lastAt = at;
      answer.chunks++;
      answer.text += text;
    }
    if (choice.finish_reason) answer.finish = choice.finish_reason;
  }
}

/**
 * An answer's figures.
 *
 * @returns {{tokens: number, exact: boolean, prompt: number|null, reused: number|null, rate: number|null, first: number|null}} tokens: as the server counted, else pieces
 *     received; rate: tokens a second after the first, null when they came all at once; first: seconds to the first
 */
export function figures(answer) {
  const counted = answer.usage?.completion_tokens ?? (answer.tokens.length > 0 ? answer.tokens.length : null);
  const tokens = counted ?? answer.chunks;
  const seconds = (answer.lastAt - answer.firstAt) / 1000;
  return {
    tokens,
    exact: counted !== null,
    prompt: answer.usage?.prompt_tokens ?? null,
    reused: answer.usage?.prompt_tokens_details?.cached_tokens ?? null,
    rate: tokens > 1 && seconds >= 0.02 ? (tokens - 1) / seconds : null,
    first: answer.firstAt === null ? null : answer.firstAt / 1000,
  };
}
