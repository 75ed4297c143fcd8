import { readSchema } from './schema.js';

/** What the settings form holds at first; all but mark and theme are what was typed, as text. */
export const DEFAULTS = { system: '', temperature: '0', topP: '', maxTokens: '', seed: '', stop: '', schema: '', mark: 'none', theme: 'auto', keys: true };

/** Most models that answer at once: browsers keep six connections to a server, and one stays free for the rest. */
export const MOST_MODELS = 5;

/** @returns {Object<string, string>} what is wrong, by field; empty when nothing is */
export function problems(settings) {
  const wrong = {};
  const check = (field, ok, text) => {
    const typed = settings[field].trim();
    if (typed !== '' && !ok(Number(typed))) wrong[field] = text;
  };
  check('temperature', (x) => x >= 0 && x <= 2, 'A number from 0 to 2.');
  check('topP', (x) => x > 0 && x <= 1, 'A number above 0, at most 1.');
  check('maxTokens', (x) => Number.isSafeInteger(x) && x >= 1, 'A whole number, at least 1.');
  check('seed', (x) => Number.isSafeInteger(x), 'A whole number.');
  const { error } = readSchema(settings.schema);
  if (error) wrong.schema = error;
  return wrong;
}

/** The stop texts: one a line, with \n, \t and \\ for what a line cannot hold. */
export function stops(typed) {
  const escapes = { n: '\n', t: '\t', '\\': '\\' };
  return typed
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => line.replaceAll(/\\([nt\\])/g, (_, letter) => escapes[letter]));
}

/** What a model has been told and has said, as messages. A turn without an answer (it failed, or was stopped at once) is left out, the last excepted. */
export function messages(turns, system) {
  const list = system.trim() === '' ? [] : [{ role: 'system', content: system }];
  turns.forEach(({ prompt, answer }, i) => {
    const last = i === turns.length - 1;
    if (!last && unanswered(answer)) return;
    list.push({ role: 'user', content: prompt });
    if (!last) list.push({ role: 'assistant', content: answer.text });
  });
  return list;
}

/** Whether an answer came to nothing, so that its turn is no part of the conversation. */
export function unanswered(answer) {
  return answer.text === '' && (answer.state === 'failed' || answer.state === 'stopped');
}

/** The body of POST /v1/chat/completions for a model's last turn. Settings must have no problems. */
export function requestBody(model, turns, settings) {
  const body = { model, messages: messages(turns, settings.system), stream: true, stream_options: { include_usage: true } };
  const put = (name, typed) => {
    if (typed.trim() !== '') body[name] = Number(typed);
  };
  put('temperature', settings.temperature);
  put('top_p', settings.topP);
  put('max_tokens', settings.maxTokens);
  put('seed', settings.seed);
  const stop = stops(settings.stop);
  if (stop.length > 0) body.stop = stop;
  const { schema } = readSchema(settings.schema);
  if (schema) body.response_format = { type: 'json_schema', json_schema: { name: 'answer', strict: true, schema } };
  if (settings.mark === 'probabilities') Object.assign(body, { logprobs: true, top_logprobs: 5 });
  return body;
}
