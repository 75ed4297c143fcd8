import { figures } from './answer.js';
import { copy, h } from './dom.js';
import { perplexity, percent, surprise, tokensInside, visible } from './tokens.js';

const TITLES = {
  0: 'No connection',
  400: 'The server refuses this request',
  401: 'The server wants another key',
  403: 'The server does not allow this',
  404: 'The server does not know this model',
  413: 'The message is too long',
  429: 'The server is busy',
  503: 'The server is not ready',
};

/** How an answer looks: its text, figures and buttons. Model output only ever becomes text nodes. */
export class AnswerView {
  #text = h('div', { class: 'text', dir: 'auto' });
  #detail = h('div', { class: 'detail', 'aria-live': 'polite', hidden: true });
  #error = h('div', { class: 'problem', role: 'alert', hidden: true });
  #figures = h('p', { class: 'figures' });
  #look = null; // how the text is shown now: plain, tokens, or marks (see show)
  #shown = 0; // characters or tokens in it
  #at = -1; // the token that the detail is about
  #answer = null;
  #wait = null;

  constructor(model) {
    this.model = model;
    this.onRetry = null;
    this.actions = h(
      'div',
      { class: 'actions', hidden: true },
      h('button', { type: 'button', class: 'quiet', text: 'Copy', 'aria-label': `Copy the answer of ${model}`, on: { click: () => copy(this.#answer.text, `the answer of ${model}`) } }),
    );
    this.element = h('div', { class: 'answer' }, this.#text, this.#detail, this.#error, this.#figures, this.actions);
    this.#text.addEventListener('pointerover', (event) => this.#at >= 0 && this.#point(event.target));
    this.#text.addEventListener('click', (event) => this.#point(event.target));
    this.#text.addEventListener('keydown', (event) => this.#walk(event));
  }

  /** What is new in the answer; marks of differences wait for show. */
  update(answer, mark) {
    const running = answer.state === 'waiting' || answer.state === 'streaming';
    this.show(answer, mark, running ? undefined : this.#look?.runs && this.#look);
  }

  /**
   * @param mark none, probabilities, or differences from a model
   * @param marks where differences are marked: {runs: the text in runs {text, same}, share of words in common, with the model reference}; the reference itself has only runs
   */
  show(answer, mark, marks) {
    if (answer !== this.#answer) this.#look = null;
    this.#answer = answer;
    const look = mark === 'probabilities' && answer.tokens.length > 0 ? 'tokens' : (marks ?? 'plain');
    if (look !== this.#look && (this.#look === null || look.runs !== this.#look.runs || look.runs === undefined)) this.#begin(look);
    this.#look = look;
    if (look === 'tokens') this.#addTokens();
    else if (look === 'plain') this.#addText();
    const running = answer.state === 'waiting' || answer.state === 'streaming';
    this.element.classList.toggle('running', running);
    this.element.classList.toggle('waiting', answer.state === 'waiting');
    this.actions.hidden = running || (answer.state === 'failed' && answer.text === '');
    this.#showFigures(mark);
    this.#showError();
  }

  /** The figures in short, for screen readers. */
  summary() {
    const { tokens, exact } = figures(this.#answer);
    return `${exact ? '' : 'about '}${tokens} tokens`;
  }

  #begin(look) {
    this.#look = look;
    this.#shown = 0;
    this.#at = -1;
    const tokens = look === 'tokens';
    this.#text.replaceChildren(...(look.runs ?? []).map(({ text, same }) => (same ? text : h('mark', { text }))));
    this.#text.classList.toggle('tokens', tokens);
    for (const [name, value] of Object.entries({ tabindex: '0', role: 'group', 'aria-label': `Answer of ${this.model} by tokens; arrow keys walk through it` })) {
      if (tokens) this.#text.setAttribute(name, value);
      else this.#text.removeAttribute(name);
    }
    this.#detail.hidden = !tokens;
    if (tokens) this.#detail.replaceChildren(h('p', { class: 'scale' }, h('span', {}, 'likely'), h('i', { 'aria-hidden': 'true' }), h('span', {}, 'surprising: pick a token')));
  }

  #addText() {
    const { text } = this.#answer;
    if (text.length === this.#shown) return;
    if (this.#text.firstChild === null) this.#text.append(document.createTextNode(''));
    this.#text.firstChild.appendData(text.slice(this.#shown));
    this.#shown = text.length;
  }

  #addTokens() {
    const { tokens } = this.#answer;
    for (; this.#shown < tokens.length; this.#shown++) {
      const span = h('span', { text: tokens[this.#shown].text });
      span.style.setProperty('--surprise', surprise(tokens[this.#shown].logprob).toFixed(3));
      this.#text.append(span);
    }
    const { state, text } = this.#answer;
    if (state === 'done') {
      const inside = tokensInside(tokens, text);
      [...this.#text.children].forEach((span, i) => span.classList.toggle('beyond', i >= inside));
    }
  }

  #point(target) {
    if (this.#look === 'tokens' && target.parentNode === this.#text) this.#pick([...this.#text.children].indexOf(target));
  }

  #walk(event) {
    if (this.#look !== 'tokens') return;
    const last = this.#text.children.length - 1;
    const to = { ArrowRight: this.#at + 1, ArrowLeft: this.#at - 1, Home: 0, End: last }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    this.#pick(Math.min(last, Math.max(0, to)));
  }

  #pick(at) {
    this.#text.children[this.#at]?.classList.remove('picked');
    this.#at = at;
    this.#text.children[at].classList.add('picked');
    const { raw, logprob, top } = this.#answer.tokens[at];
    const row = (name, logp, own) =>
      h('li', own ? { class: 'own' } : {}, h('bdi', { class: 'code', text: visible(name) }), h('span', { text: percent(logp) }), bar(logp));
    const others = top.filter((other) => other.raw !== raw);
    this.#detail.replaceChildren(
      h('p', {}, h('span', { class: 'hidden', text: `Token ${at + 1}: ` }), `log p ${logprob.toFixed(3).replace('-', '−')}`),
      h('ul', {}, row(raw, logprob, true), ...others.map((other) => row(other.raw, other.logprob, false))),
    );
  }

  #showFigures(mark) {
    const answer = this.#answer;
    const { tokens, exact, prompt, reused, rate, first } = figures(answer);
    const items = [];
    const add = (text, title, kind = '') => items.push(h('span', { text, title, class: kind }));
    if (answer.firstAt !== null) {
      add(`${exact ? '' : '≈ '}${tokens} token${tokens === 1 ? '' : 's'}`, exact ? 'as the server counted' : 'pieces of the stream; the server has not counted');
      if (rate !== null) add(`${rate.toFixed(1)} tokens/s`, 'after the first token');
      add(`first ${first.toFixed(2)} s`, 'from sending to the first token');
      if (prompt !== null) add(`prompt ${prompt}${reused ? ` (${reused} reused)` : ''}`, 'tokens of the prompt; reused: computed before');
    }
    if (answer.finish === 'length') add('cut: length', 'finish reason: as many tokens as allowed', 'cut');
    else if (answer.finish) add(answer.finish, 'finish reason');
    else if (answer.state === 'stopped') add('stopped', 'by you', 'cut');
    const surprised = perplexity(answer.tokens);
    if (surprised !== null && answer.state === 'done') add(`perplexity ${surprised.toFixed(2)}`, 'exp of the mean of −log p over the tokens');
    if (this.#look.share !== undefined) add(`${Math.round(100 * this.#look.share)} % of words shared`, `with ${this.#look.reference}`);
    if (answer.request?.response_format && answer.state === 'done') {
      if (isJson(answer.text)) add('JSON', 'the answer is JSON');
      else add('not JSON', 'the answer is no whole JSON value', 'cut');
    }
    if (mark === 'probabilities' && answer.state === 'done' && answer.tokens.length === 0) add('no probabilities: regenerate to ask for them', '');
    if (answer.state === 'waiting') add('waiting…', '');
    this.#figures.replaceChildren(...items);
  }

  #showError() {
    const { error } = this.#answer;
    if (error === null || this.#error.shows === error) {
      if (error === null) this.#error.hidden = true;
      return;
    }
    this.#error.shows = error;
    const title = TITLES[error.status] ?? (error.status >= 500 ? 'The server failed' : 'The server refuses this request');
    const retry = h('button', { type: 'button', text: 'Try again', on: { click: () => this.onRetry?.() } });
    this.#error.replaceChildren(
      h('strong', { text: error.status ? `${title} (${error.status})` : title }),
      h('p', { text: error.message }),
      this.onRetry ? retry : '',
    );
    this.#error.hidden = false;
    clearInterval(this.#wait);
    if (error.retryAfter) this.#countDown(retry, Date.now() + 1000 * error.retryAfter);
  }

  #countDown(button, until) {
    const tick = () => {
      const left = Math.ceil((until - Date.now()) / 1000);
      button.textContent = left > 0 ? `Try again (the server asks to wait ${left} s)` : 'Try again';
      if (left <= 0 || !button.isConnected) clearInterval(this.#wait);
    };
    this.#wait = setInterval(tick, 1000);
    button.textContent = `Try again (the server asks to wait ${Math.ceil((until - Date.now()) / 1000)} s)`;
  }
}

function bar(logprob) {
  const element = h('i', { 'aria-hidden': 'true' });
  element.style.setProperty('--share', Math.exp(logprob).toFixed(4));
  return element;
}

function isJson(text) {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
