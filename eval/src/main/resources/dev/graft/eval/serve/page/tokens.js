/** Gives each token of a stream its text: a character whose bytes lie in several tokens is the last one's. */
export class TokenReader {
  #decoder = new TextDecoder('utf-8', { ignoreBOM: true });

  /** @param token of choices[].logprobs.content @returns {{text: string, raw: string, logprob: number, top: {raw: string, logprob: number}[]}} raw: as the server names it */
  take({ token, logprob, bytes, top_logprobs: top }) {
    const text = bytes ? this.#decoder.decode(Uint8Array.from(bytes), { stream: true }) : token;
    return { text, raw: token, logprob, top: (top ?? []).map((other) => ({ raw: other.token, logprob: other.logprob })) };
  }
}

/** How many of an answer's tokens are in its text: those that ended it (an end token, a stop text) are not. */
export function tokensInside(tokens, text) {
  const skipped = tokens.length > 0 && tokens[0].text.startsWith(' ') && !text.startsWith(' ') ? 1 : 0; // a sentencepiece vocabulary's first space
  let at = -skipped;
  let inside = 0;
  while (inside < tokens.length && at + tokens[inside].text.length <= text.length) at += tokens[inside++].text.length;
  return inside;
}

/** How surprising a token was, from 0 (certain) to 1 (a probability of 1 % or less). */
export function surprise(logprob) {
  return Number.isFinite(logprob) ? Math.min(1, Math.max(0, logprob / Math.log(0.01))) : 1;
}

/** A probability for reading: 99.97 %, 62.1 %, 0.004 %. */
export function percent(logprob) {
  const p = 100 * Math.exp(logprob);
  if (!(p > 0)) return '0 %';
  if (p >= 99.9) return `${p.toFixed(2)} %`;
  return `${p >= 1 ? p.toFixed(1) : p.toPrecision(1)} %`;
}

/** A token for reading: white space made visible. */
export function visible(text) {
  return text.replaceAll(' ', '␣').replaceAll('\n', '⏎').replaceAll('\t', '⇥');
}

/** exp of the mean of −log p; null without tokens. */
export function perplexity(tokens) {
  if (tokens.length === 0) return null;
  return Math.exp(-tokens.reduce((sum, { logprob }) => sum + logprob, 0) / tokens.length);
}
