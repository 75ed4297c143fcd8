import { chat, key } from './api.js';
import { AnswerReader, newAnswer } from './answer.js';
import { AnswerView } from './answer-view.js';
import { curl } from './curl.js';
import { copy, fit, h, say } from './dom.js';
import { requestBody } from './request.js';

/** A model's conversation, and how it looks. */
export class Column {
  /**
   * @param page what a column asks of the page: settings(), draft(), mark(), valid() whether the settings make a request, changed(column) when an answer begins or ends, wantKey(column), sendToAll(text) to edit the
   *     last message of all, comparable(column) whether that makes sense, drop(column)
   */
  constructor({ id, parent }, color, turns, page) {
    this.model = id;
    this.parent = parent;
    this.color = color;
    this.turns = turns;
    this.page = page;
    this.views = [];
    this.running = null;
    this.atEnd = true; // the reader is at the end, and stays there
    this.element = this.#build();
    this.#show();
  }

  get busy() {
    return this.running !== null;
  }

  /** The turn with a wrong or missing key is asked again. */
  get refused() {
    return !this.busy && this.turns.at(-1)?.answer.error?.status === 401;
  }

  send(prompt) {
    this.turns.push({ prompt, answer: newAnswer(null) });
    this.#ask();
  }

  /** Asks the last message again. */
  regenerate() {
    if (this.busy || this.turns.length === 0 || !this.page.valid()) return;
    this.#ask();
  }

  /** Another last message, and its answer. */
  resend(prompt) {
    if (!this.page.valid()) return;
    this.stop();
    this.turns.pop();
    this.send(prompt);
  }

  stop() {
    this.running?.abort();
    this.running = null;
  }

  clear() {
    this.stop();
    this.turns.length = 0;
    this.#show();
    this.page.changed(this);
  }

  /** Shows the answers anew. @param marks for each turn what to mark in it, or undefined */
  mark(marks) {
    this.views.forEach((view, i) => view.show(this.turns[i].answer, this.page.mark(), marks[i]));
    this.#follow();
  }

  focus() {
    this.element.scrollIntoView({ inline: 'start', block: 'nearest' });
    this.log.focus({ preventScroll: true });
  }

  /** The request of the last message; before the first one, the one that the draft would make. */
  #copyRequest() {
    const last = this.turns.at(-1)?.answer.request;
    if (!last && !this.page.valid()) return;
    const request = last ?? requestBody(this.model, [{ prompt: this.page.draft() || 'Hello' }], this.page.settings());
    copy(curl(location.origin, request, key() !== null), `the request to ${this.model} as curl`);
  }

  async #ask() {
    const turn = this.turns.at(-1);
    turn.answer = newAnswer(requestBody(this.model, this.turns, this.page.settings()));
    const { answer } = turn;
    const stopper = new AbortController();
    this.running = stopper;
    this.#show();
    this.page.changed(this);
    const reader = new AnswerReader(answer);
    const start = performance.now();
    try {
      for await (const chunk of chat(answer.request, stopper.signal)) {
        if (stopper.signal.aborted) break;
        reader.take(chunk, performance.now() - start);
        this.#soon();
      }
      answer.state = stopper.signal.aborted ? 'stopped' : 'done';
    } catch (e) {
      answer.state = stopper.signal.aborted ? 'stopped' : 'failed';
      if (answer.state === 'failed') answer.error = { status: e.status ?? 0, message: e.message, type: e.type ?? null, code: e.code ?? null, retryAfter: e.retryAfter ?? null };
    }
    if (this.turns.at(-1) !== turn || turn.answer !== answer) return;
    this.running = null;
    this.#update();
    this.page.changed(this);
    if (answer.state === 'failed') {
      if (answer.error.status === 401) this.page.wantKey(this);
    } else {
      say(`${this.model}: ${answer.state === 'done' ? 'answered' : 'stopped'}, ${this.views.at(-1).summary()}`);
    }
  }

  #soon() {
    this.frame ??= requestAnimationFrame(() => {
      this.frame = null;
      this.#update();
    });
  }

  /** Shows what is new in the last answer; stays at the end if the reader is there. */
  #update() {
    const answer = this.turns.at(-1)?.answer;
    if (answer) this.views.at(-1).update(answer, this.page.mark());
    this.#state();
    this.#follow();
  }

  #follow() {
    if (this.atEnd) this.log.scrollTop = this.log.scrollHeight;
  }

  #state() {
    this.element.setAttribute('aria-busy', String(this.busy));
    this.stopButton.hidden = !this.busy;
    this.clearButton.disabled = this.turns.length === 0;
  }

  #build() {
    const origin = this.parent ? `adapter on ${this.parent}` : 'base';
    const title = h('h2', { id: `column-${this.color}-${encodeURIComponent(this.model)}` }, h('span', { class: 'dot', 'aria-hidden': 'true' }), h('bdi', { text: this.model }));
    this.stopButton = h('button', { type: 'button', class: 'stop', text: 'Stop', 'aria-label': `Stop ${this.model}`, on: { click: () => this.stop() } });
    this.clearButton = h('button', { type: 'button', class: 'quiet', text: 'Clear', 'aria-label': `Clear ${this.model}`, on: { click: () => this.clear() } });
    const curlButton = h('button', {
      type: 'button',
      class: 'quiet',
      text: 'Copy as curl',
      'aria-label': `Copy as curl, ${this.model}`,
      on: { click: () => this.#copyRequest() },
    });
    this.log = h('div', { class: 'log', tabindex: '0', role: 'log', 'aria-live': 'off', 'aria-label': `Conversation with ${this.model}` });
    this.log.addEventListener('scroll', () => (this.atEnd = this.log.scrollHeight - this.log.scrollTop - this.log.clientHeight < 48), { passive: true });
    new ResizeObserver(() => this.#follow()).observe(this.log);
    return h(
      'section',
      { class: `column color-${this.color}`, 'aria-labelledby': title.id },
      h('header', {}, title, h('p', { class: 'parent', title: origin, text: origin }), h('div', { class: 'tools' }, this.stopButton, curlButton, this.clearButton)),
      this.log,
    );
  }

  #show() {
    this.views = this.turns.map(() => new AnswerView(this.model));
    this.log.replaceChildren(...this.turns.map((turn, i) => this.#turn(turn, i === this.turns.length - 1, this.views[i])));
    if (this.turns.length === 0) this.log.append(h('p', { class: 'empty', text: 'No messages yet.' }));
    this.turns.forEach(({ answer }, i) => this.views[i].update(answer, this.page.mark()));
    this.#state();
    this.atEnd = true;
    this.#follow();
  }

  #turn(turn, last, view) {
    const said = h('div', { class: 'said' }, h('p', { class: 'text', dir: 'auto', text: turn.prompt }));
    if (last) {
      said.append(h('button', { type: 'button', class: 'quiet edit', text: 'Edit', 'aria-label': `Edit the last message to ${this.model}`, on: { click: () => this.edit() } }));
      view.actions.append(
        h('button', { type: 'button', class: 'quiet', text: 'Regenerate', 'aria-label': `Regenerate the answer of ${this.model}`, on: { click: () => this.regenerate() } }),
      );
      view.onRetry = () => this.regenerate();
    }
    return h('article', { class: 'turn' }, h('h3', { class: 'hidden', text: 'Message' }), said, h('h3', { class: 'hidden', text: `Answer of ${this.model}` }), view.element);
  }

  /** Lets the last message be changed, here or in all columns. */
  edit() {
    const said = this.log.lastElementChild?.querySelector('.said');
    if (!said || said.querySelector('textarea')) return;
    const before = [...said.childNodes];
    const area = h('textarea', { rows: '1', dir: 'auto', 'aria-label': `Last message to ${this.model}` });
    area.value = this.turns.at(-1).prompt;
    const close = () => {
      said.classList.remove('editing');
      said.replaceChildren(...before);
      said.querySelector('.edit')?.focus();
    };
    const here = () => area.value.trim() !== '' && (this.resend(area.value), this.log.focus());
    const all = () => area.value.trim() !== '' && this.page.sendToAll(area.value);
    const everywhere = this.page.comparable(this);
    area.addEventListener('input', () => fit(area));
    area.addEventListener('keydown', (event) => {
      if (event.key === 'Escape') {
        event.stopPropagation();
        close();
      } else if (event.key === 'Enter' && !event.shiftKey && !event.isComposing) {
        event.preventDefault();
        (everywhere ? all : here)();
      }
    });
    said.classList.add('editing');
    said.replaceChildren(
      area,
      h(
        'div',
        { class: 'row' },
        h('button', { type: 'button', class: 'quiet', text: 'Cancel', on: { click: close } }),
        h('span', { class: 'space' }),
        h('button', { type: 'button', text: 'Only here', on: { click: here } }),
        everywhere ? h('button', { type: 'button', class: 'main', text: 'All models', on: { click: all } }) : null,
      ),
    );
    fit(area);
    area.focus();
    area.setSelectionRange(area.value.length, area.value.length);
  }
}
