// Serves the page from the source tree, and the part of the API that the page uses with made-up answers: to work on the page without a model.
//   node eval/src/test/js/fake-server.js [PORT]       PORT: 8080 unless given
// Answers depend on the model and the last message. Words in a message change them: "long", "arabic", "json".
import { createServer } from 'node:http';
import { readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';

const PAGE = new URL('../../main/resources/dev/graft/eval/serve/page/', import.meta.url);
const TYPES = { html: 'text/html; charset=utf-8', css: 'text/css; charset=utf-8', js: 'text/javascript; charset=utf-8', svg: 'image/svg+xml' };
const CSP =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
const MODELS = [
  { id: 'tiny-base', parent: null },
  { id: 'sft', parent: 'tiny-base' },
  { id: 'dpo', parent: 'tiny-base' },
  { id: 'dpo-wide-beta-0.5-epoch-2', parent: 'tiny-base' },
];
const ANSWERS = {
  'tiny-base': 'The patient has had a cough for three weeks and a fever since yesterday. It could be many things. You should drink water. You should drink water and rest.',
  sft: 'The patient has had a dry cough for three weeks and a fever since yesterday. This is likely a chest infection: see a doctor within two days.',
  dpo: 'The patient has had a dry cough for three weeks and a fever of 38.6 °C since yesterday. This is likely a chest infection (naïve to antibiotics): see a doctor today, and sooner if breathing gets harder. 🫁',
};

/** Listens on loopback. @param pause milliseconds between the tokens @returns the server, with its address as url */
export async function fakeServer({ port = 0, pause = 25 } = {}) {
  const server = createServer((request, response) => answer(request, response, pause).catch(() => response.destroy()));
  await new Promise((done) => server.listen(port, '127.0.0.1', done));
  return Object.assign(server, { url: `http://127.0.0.1:${server.address().port}/` });
}

async function answer(request, response, pause) {
  const path = new URL(request.url, 'http://localhost').pathname;
  if (path === '/health') return json(response, 200, { status: 'ok' });
  if (path === '/v1/models') return json(response, 200, { object: 'list', data: MODELS.map((model) => ({ object: 'model', created: 0, owned_by: 'graft', ...model })) });
  if (path === '/v1/chat/completions' && request.method === 'POST') return chat(request, response, pause);
  const name = path === '/' ? 'index.html' : path.slice(1);
  if (!/^[\w-]+\.(html|css|js|svg)$/.test(name)) return fail(response, 404, `there is nothing at ${path}`);
  const file = await readFile(new URL(name, PAGE)).catch(() => null);
  if (file === null) return fail(response, 404, `there is nothing at ${path}`);
  response.writeHead(200, { 'Content-Type': TYPES[name.split('.').at(-1)], 'Content-Security-Policy': CSP, 'X-Content-Type-Options': 'nosniff', 'Cache-Control': 'no-cache' });
  response.end(file);
}

async function chat(request, response, pause) {
  let typed = '';
  for await (const piece of request.setEncoding('utf8')) typed += piece;
  const body = JSON.parse(typed);
  if (!MODELS.some(({ id }) => id === body.model)) return fail(response, 404, `the model '${body.model}' does not exist`, 'model_not_found');
  const tokens = tokensOf(textFor(body)).slice(0, body.max_tokens ?? 1000);
  const whole = tokens.length < (body.max_tokens ?? 1000);
  const about = { id: 'chatcmpl-1', object: 'chat.completion.chunk', created: 0, model: body.model };
  const send = (fields) => response.write(`data: ${JSON.stringify({ ...about, choices: [], ...fields })}\n\n`);
  const choice = (delta, logprobs = null, finish = null) => send({ choices: [{ index: 0, delta, logprobs, finish_reason: finish }] });
  response.writeHead(200, { 'Content-Type': 'text/event-stream; charset=utf-8', 'Cache-Control': 'no-store' });
  choice({ role: 'assistant', content: '' });
  const decoder = new TextDecoder();
  for (const [i, bytes] of tokens.entries()) {
    await sleep(pause * (i === 0 ? 8 : 0.6 + 0.8 * chance(i)));
    if (response.destroyed) return;
    choice({ content: decoder.decode(bytes, { stream: true }) }, body.logprobs ? { content: [logprob(bytes, i, body.top_logprobs ?? 0)] } : null);
  }
  if (whole && body.logprobs) choice({ content: '' }, { content: [logprob(new TextEncoder().encode('<|im_end|>'), 7, body.top_logprobs ?? 0)] });
  choice({}, null, whole ? 'stop' : 'length');
  if (body.stream_options?.include_usage) {
    const prompt = 12 * body.messages.length;
    send({ usage: { prompt_tokens: prompt, completion_tokens: tokens.length, total_tokens: prompt + tokens.length, prompt_tokens_details: { cached_tokens: 8 } } });
  }
  response.end('data: [DONE]\n\n');
}

function textFor({ model, messages, response_format }) {
  const said = messages.at(-1).content;
  const text = ANSWERS[model] ?? `${ANSWERS.dpo} Rest.`;
  if (response_format || said.includes('json')) return JSON.stringify({ label: model === 'tiny-base' ? 'home' : 'doctor', days: 2 });
  if (said.includes('arabic')) return `المريض يعاني من سعال جاف منذ ثلاثة أسابيع.\n${text}`;
  if (said.includes('long')) return Array(30).fill(text).join('\n\n');
  if (said.includes('<')) return `<img src=x onerror="document.title='broken'"> <b>${text}</b>`;
  return text;
}

/** Bytes of tokens: words with the space before them, cut after six bytes, so that some characters lie in two. */
function tokensOf(text) {
  return text.match(/\s*\S+|\s+/g).flatMap((word) => {
    const bytes = [...new TextEncoder().encode(word)];
    const list = [];
    for (let at = 0; at < bytes.length; at += 6) list.push(Uint8Array.from(bytes.slice(at, at + 6)));
    return list;
  });
}

function logprob(bytes, i, top) {
  const own = Math.log(0.02 + 0.98 * Math.sqrt(chance(i)));
  const entry = (raw, value) => ({ token: new TextDecoder().decode(raw), logprob: value, bytes: [...raw] });
  const others = [' cough', ' fever', ' doctor', ' water', '\n'].map((text, k) => entry(new TextEncoder().encode(text), Math.log1p(-Math.exp(own) * 0.999) - 0.5 - 0.7 * k));
  return { ...entry(bytes, own), top_logprobs: [entry(bytes, own), ...others].slice(0, top).sort((a, b) => b.logprob - a.logprob) };
}

/** Between 0 and 1, the same every time. */
function chance(i) {
  return Math.abs(Math.sin(12.9898 * (i + 1)) * 43758.5453) % 1;
}

function json(response, status, value) {
  response.writeHead(status, { 'Content-Type': 'application/json' });
  response.end(JSON.stringify(value));
}

function fail(response, status, message, code = null) {
  json(response, status, { error: { message, type: 'invalid_request_error', param: null, code } });
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  const server = await fakeServer({ port: Number(process.argv[2] ?? 8080) });
  console.log(server.url);
}
