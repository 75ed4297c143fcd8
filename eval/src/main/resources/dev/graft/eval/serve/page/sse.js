/**
 * Server-sent events (https://html.spec.whatwg.org/multipage/server-sent-events.html), from text that is cut anywhere.
 * Only the data of events is kept: their names, ids and retry times say nothing in this API.
 */
export class EventParser {
  #rest = '';
  #data = [];
  #begun = false;

  /** Takes the next piece. @returns {string[]} the data of each event that it ends */
  push(piece) {
    let text = this.#rest + piece;
    if (!this.#begun && text !== '') {
      this.#begun = true;
      if (text.charCodeAt(0) === 0xfeff) text = text.slice(1);
    }
    const events = [];
    const ends = /\r\n|\r|\n/g;
    let from = 0;
    for (let end = ends.exec(text); end !== null; end = ends.exec(text)) {
      if (end[0] === '\r' && ends.lastIndex === text.length) break; // the next piece may begin with its \n
      this.#line(text.slice(from, end.index), events);
      from = ends.lastIndex;
    }
    this.#rest = text.slice(from);
    return events;
  }

  #line(line, events) {
    if (line === '') {
      if (this.#data.length > 0) events.push(this.#data.join('\n'));
      this.#data = [];
    } else if (line === 'data') {
      this.#data.push('');
    } else if (line.startsWith('data:')) {
      this.#data.push(line.slice(line[5] === ' ' ? 6 : 5));
    }
  }
}
