import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { test } from 'node:test';

const page = new URL('../../main/resources/dev/graft/eval/serve/page/', import.meta.url);
const load = (name) => import(new URL(name, page));
const { EventParser } = await load('sse.js');
const { curl } = await load('curl.js');
const { differences, words } = await load('diff.js');
const { readSchema } = await load('schema.js');
const { DEFAULTS, messages, problems, requestBody, stops } = await load('request.js');
const { AnswerReader, figures, newAnswer } = await load('answer.js');
const { TokenReader, percent, perplexity, surprise, tokensInside } = await load('tokens.js');
const { toJsonl, toMarkdown } = await load('export.js');

const all = (parser, pieces) => pieces.flatMap((piece) => parser.push(piece));

test('events are the same wherever the stream is cut', () => {
  const stream = '\ufeffdata: {"a":1}\n\n: a comment\r\nevent: x\r\ndata:one\r\ndata: two\r\n\r\ndata\rid: 7\r\rdata:  [DONE]\n\ndata: not ended\n';
  const expected = ['{"a":1}', 'one\ntwo', '', ' [DONE]'];
  assert.deepEqual(all(new EventParser(), [stream]), expected);
  assert.deepEqual(all(new EventParser(), [...stream]), expected);
  for (let cut = 0; cut <= stream.length; cut++) assert.deepEqual(all(new EventParser(), [stream.slice(0, cut), stream.slice(cut)]), expected, `cut at ${cut}`);
});

test('a shell passes curl the very request', () => {
  const body = { model: 'sft', messages: [{ role: 'user', content: `it's "$HOME" \`id\` \\n !x\n‏سعال` }] };
  const command = curl('http://127.0.0.1:8080', body, true);
  const run = (text) => execFileSync('sh', ['-c', `curl() { for a in "$@"; do printf '%s\\0' "$a"; done; }; ${text}`], { env: { GRAFT_API_KEY: 'k1' } }).toString().split('\0');
  const args = run(command);
  assert.equal(args[1], 'http://127.0.0.1:8080/v1/chat/completions');
  assert.ok(args.includes('Authorization: Bearer k1'));
  assert.deepEqual(JSON.parse(args[args.indexOf('--data') + 1]), body);
  assert.ok(!run(curl('http://h', body, false)).some((arg) => arg.startsWith('Authorization')));
});

/** The longest common subsequence's length, by the plain table. */
function longest(a, b) {
  const table = Array.from({ length: a.length + 1 }, () => Array(b.length + 1).fill(0));
  for (let i = a.length; i-- > 0; ) for (let j = b.length; j-- > 0; ) table[i][j] = a[i] === b[j] ? 1 + table[i + 1][j + 1] : Math.max(table[i + 1][j], table[i][j + 1]);
  return table[0][0];
}

test('differences keep both texts and share as many words as can be', () => {
  let state = 7;
  const random = (n) => ((state = (state * 1103515245 + 12345) % 2147483648), Math.floor((state / 2147483648) * n));
  for (let round = 0; round < 300; round++) {
    const text = () => Array.from({ length: random(14) }, () => 'abcd'[random(4)] + [' ', '  ', '\n'][random(3)]).join('');
    const [left, right] = [text(), text()];
    const found = differences(left, right);
    assert.equal(found.left.map((run) => run.text).join(''), left);
    assert.equal(found.right.map((run) => run.text).join(''), right);
    const count = (runs) => runs.filter(({ same }) => same).flatMap(({ text: run }) => words(run)).filter((word) => /\S/.test(word)).join(' ');
    assert.equal(count(found.left), count(found.right));
    const [a, b] = [left, right].map((one) => one.split(/\s+/).filter(Boolean));
    assert.ok(Math.abs(found.share - (a.length + b.length === 0 ? 1 : (2 * longest(a, b)) / (a.length + b.length))) < 1e-12, `${JSON.stringify(left)} ${JSON.stringify(right)}`);
  }
});

test('the space between two words that differ is marked with them', () => {
  const { right, share } = differences('see a doctor.', 'see the nurse today.');
  assert.deepEqual(right, [{ text: 'see ', same: true }, { text: 'the nurse today', same: false }, { text: '.', same: true }]);
  assert.equal(share, 4 / 9);
});

test('a request says what was typed and nothing else', () => {
  const turns = [
    { prompt: 'one', answer: { state: 'done', text: 'first' } },
    { prompt: 'lost', answer: { state: 'failed', text: '' } },
    { prompt: 'two', answer: null },
  ];
  const settings = { ...DEFAULTS, system: 'Be short.', temperature: ' 0.5', topP: '', maxTokens: '9', seed: '0', stop: 'END\n\\n\\n', schema: '{"type":"object"}', mark: 'probabilities' };
  assert.deepEqual(problems(settings), {});
  assert.deepEqual(requestBody('m', turns, settings), {
    model: 'm',
    messages: [
      { role: 'system', content: 'Be short.' },
      { role: 'user', content: 'one' },
      { role: 'assistant', content: 'first' },
      { role: 'user', content: 'two' },
    ],
    stream: true,
    stream_options: { include_usage: true },
    temperature: 0.5,
    max_tokens: 9,
    seed: 0,
    stop: ['END', '\n\n'],
    response_format: { type: 'json_schema', json_schema: { name: 'answer', strict: true, schema: { type: 'object' } } },
    logprobs: true,
    top_logprobs: 5,
  });
  assert.deepEqual(messages([{ prompt: 'x', answer: null }], ' '), [{ role: 'user', content: 'x' }]);
  assert.deepEqual(stops('a\\\\n\n'), ['a\\n']);
});

test('what was typed wrong is told by field', () => {
  const wrong = { ...DEFAULTS, temperature: '2.1', topP: '0', maxTokens: '1.5', seed: 'x', schema: '{' };
  assert.deepEqual(Object.keys(problems(wrong)).sort(), ['maxTokens', 'schema', 'seed', 'temperature', 'topP']);
  assert.deepEqual(Object.keys(problems({ ...DEFAULTS, temperature: 'NaN', maxTokens: 'Infinity' })), ['temperature', 'maxTokens']);
});

test('slips in a schema are found where they are', () => {
  const good = '{"type":"object","properties":{"a":{"type":["string","null"],"pattern":"^x"},"b":{"$ref":"#/$defs/t~1x"}},"required":["a"],"$defs":{"t/x":{"enum":[1]}},"additionalProperties":false}';
  assert.equal(readSchema(good).error, null);
  assert.deepEqual(readSchema(' '), { schema: null, error: null });
  for (const [text, error] of [
    ['[', /not JSON/],
    ['[]', /At the top: a schema is a JSON object/],
    ['true', /must be a JSON object/],
    ['{"properties":{"age":{"type":"int"}}}', /At \/properties\/age: type "int"/],
    ['{"items":{"enum":[]}}', /At \/items: enum/],
    ['{"anyOf":[{"pattern":"("}]}', /At \/anyOf\/0: pattern/],
    ['{"$ref":"#/$defs/none"}', /leads nowhere/],
    ['{"required":"a"}', /required/],
    ['{"properties":[]}', /properties is an object/],
    ['{"oneOf":{}}', /oneOf is a list/],
  ]) {
    assert.match(readSchema(text).error ?? 'no error', error, text);
  }
});

test('an answer grows with its chunks and has figures', () => {
  const answer = newAnswer({});
  const reader = new AnswerReader(answer);
  const chunk = (delta, more = {}) => ({ choices: [{ index: 0, delta, finish_reason: null, ...more }] });
  reader.take(chunk({ role: 'assistant', content: '' }), 50);
  assert.equal(answer.state, 'waiting');
  reader.take(chunk({ content: 'one' }), 100);
  reader.take(chunk({ content: ' two' }), 300);
  assert.deepEqual(figures(answer), { tokens: 2, exact: false, prompt: null, reused: null, rate: 5, first: 0.1 });
  reader.take(chunk({}, { finish_reason: 'length' }), 310);
  reader.take({ choices: [], usage: { prompt_tokens: 7, completion_tokens: 5 } }, 320);
  assert.deepEqual(figures(answer), { tokens: 5, exact: true, prompt: 7, reused: null, rate: 20, first: 0.1 });
  assert.deepEqual([answer.text, answer.finish, answer.state], ['one two', 'length', 'streaming']);
});

test('a character in two tokens is the second one\'s', () => {
  const reader = new TokenReader();
  const [a, b, c] = [...new TextEncoder().encode('é!')].map((byte) => reader.take({ token: '\ufffd', logprob: -1, bytes: [byte] }).text);
  assert.deepEqual([a, b, c], ['', 'é', '!']);
  assert.equal(reader.take({ token: 'x', logprob: -1, bytes: null }).text, 'x');
});

test('tokens that ended an answer are not in its text', () => {
  const tokens = (...texts) => texts.map((text) => ({ text }));
  assert.equal(tokensInside(tokens('one', ' two', '<|end|>'), 'one two'), 2);
  assert.equal(tokensInside(tokens(' one', ' two', ' STOP'), 'one two'), 2);
  assert.equal(tokensInside(tokens('one', ' two'), 'one two'), 2);
  assert.equal(tokensInside(tokens('<|end|>'), ''), 0);
  assert.equal(tokensInside([], ''), 0);
});

test('probabilities are told in words that fit them', () => {
  assert.deepEqual([0, Math.log(0.621), Math.log(0.00004), -1000].map(percent), ['100.00 %', '62.1 %', '0.004 %', '0 %']);
  assert.deepEqual([0, Math.log(0.1), -1000, -Infinity, NaN].map((logp) => Number(surprise(logp).toFixed(6))), [0, 0.5, 1, 1, 1]);
  assert.equal(perplexity([]), null);
  assert.ok(Math.abs(perplexity([{ logprob: Math.log(0.5) }, { logprob: Math.log(0.125) }]) - 4) < 1e-12);
});

test('an export has every answer, and fences that its text cannot close', () => {
  const answer = { ...newAnswer({ model: 'sft', messages: [{ role: 'user', content: 'hi' }], stream: true, stream_options: {}, temperature: 0 }), state: 'done', text: 'a ```` b', finish: 'stop' };
  const failed = { ...newAnswer({ model: 'dpo', messages: [] }), state: 'failed', error: { message: 'busy' } };
  const columns = [
    { model: 'sft', parent: 'base', turns: [{ prompt: 'hi', answer }] },
    { model: 'dpo', parent: 'base', turns: [{ prompt: 'hi', answer: failed }] },
  ];
  const lines = toJsonl(columns).trimEnd().split('\n').map(JSON.parse);
  assert.deepEqual(lines.map(({ model, state, error }) => [model, state, error]), [['sft', 'done', null], ['dpo', 'failed', 'busy']]);
  assert.deepEqual(lines[0].messages, [{ role: 'user', content: 'hi' }, { role: 'assistant', content: 'a ```` b' }]);
  assert.deepEqual(lines[0].settings, { temperature: 0 });
  const text = toMarkdown(columns, 'today');
  assert.ok(text.includes('`````\na ```` b\n`````'));
  assert.ok(text.includes('No answer: busy'));
});
