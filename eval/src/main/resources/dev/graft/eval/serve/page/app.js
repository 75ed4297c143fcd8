import * as api from './api.js';
import { Column } from './column.js';
import { differences } from './diff.js';
import { byId, download, fit, h, say } from './dom.js';
import { toJsonl, toMarkdown } from './export.js';
import { MOST_MODELS } from './request.js';
import { SettingsPanel } from './settings.js';
import { loadChosen, loadSettings, loadTalks, saveChosen, saveSettings, saveTalks } from './store.js';

const settings = loadSettings();
const talks = loadTalks();
const message = byId('message');
const board = byId('columns');
const columns = new Map(); // by model, the chosen and those chosen before
let models = [];
let chosen = []; // ids, in the order of models
let lastLook = 0;
const differencesFound = new WeakMap(); // of an answer, from the one that it was last compared with

const panel = new SettingsPanel(settings, () => saveSettings(settings));
const shown = () => chosen.map((id) => columns.get(id));
const busy = () => shown().some((column) => column.busy);

const page = {
  settings: () => settings,
  draft: () => message.value.trim(),
  mark: () => settings.mark,
  valid: () => panel.valid(),
  changed: () => {
    saveTalks(columns.values());
    refresh();
  },
  wantKey: () => askKey('The server answers only with its key.'),
  comparable: (column) => shown().length > 1 && shown().every((other) => other.turns.at(-1)?.prompt === column.turns.at(-1)?.prompt),
  sendToAll: (text) => {
    for (const column of shown()) column.resend(text);
    message.focus();
  },
};

// models and the connection

async function start() {
  const since = Date.now();
  for (;;) {
    const wait = await ready(since);
    if (wait === 0) break;
    await new Promise((done) => setTimeout(done, wait));
  }
  await look();
}

/** @returns milliseconds until it is worth another try, 0 when the server is ready */
async function ready(since) {
  try {
    if ((await api.health()) !== 503) return 0;
    banner(`The server is loading the model… ${Math.round((Date.now() - since) / 1000)} s`, true);
    return 1000;
  } catch {
    banner('The server cannot be reached; trying again…', true);
    return 2000;
  }
}

/** @param waiting whether it ends by itself */
function banner(text, waiting) {
  byId('banner').hidden = false;
  byId('banner').classList.toggle('waiting', waiting);
  byId('banner-text').textContent = text;
}

/** Reads the list of models. @returns whether it could be read */
async function look() {
  lastLook = Date.now();
  try {
    models = await api.models();
  } catch (e) {
    if (e.status === 503) {
      start();
      return false;
    }
    banner(e.status === 401 ? 'The server answers only with its key. It can be given under More, API key.' : `The server does not tell its models: ${e.message}`, false);
    if (e.status === 401) askKey(api.key() ? 'The server does not know this key.' : 'The server answers only with its key.');
    return false;
  }
  byId('banner').hidden = true;
  const known = new Set(models.map(({ id }) => id));
  const before = chosen.length > 0 ? chosen : (loadChosen() ?? []);
  const kept = before.filter((id) => known.has(id));
  choose(kept.length > 0 ? kept : models.slice(0, 3).map(({ id }) => id));
  return true;
}

function choose(ids) {
  chosen = models.map(({ id }) => id).filter((id) => ids.includes(id)).slice(0, MOST_MODELS);
  for (const id of chosen) {
    if (columns.has(id)) continue;
    const at = models.findIndex((model) => model.id === id);
    const adapters = models.slice(0, at).filter(({ parent }) => parent !== null).length;
    columns.set(id, new Column(models[at], models[at].parent === null ? 0 : 1 + (adapters % 6), talks[id] ?? [], page));
  }
  for (const [id, column] of columns) if (!chosen.includes(id)) column.stop();
  const elements = shown().map(({ element }) => element);
  if (elements.length !== board.children.length || elements.some((element, i) => element !== board.children[i])) board.replaceChildren(...elements);
  byId('tabs').replaceChildren(
    ...shown().map((column) =>
      h('button', { type: 'button', class: `color-${column.color}`, on: { click: () => column.element.scrollIntoView({ inline: 'start', block: 'nearest' }) } },
        h('span', { class: 'dot', 'aria-hidden': 'true' }), h('bdi', { text: column.model })),
    ),
  );
  listModels();
  listMarks();
  tabs();
  refresh();
}

function listModels() {
  byId('models-button').disabled = models.length === 0;
  byId('models-button').textContent = `Models: ${chosen.length} of ${models.length}`;
  byId('model-list').replaceChildren(
    ...models.map(({ id, parent }) => {
      const box = h('input', { type: 'checkbox', value: id });
      box.checked = chosen.includes(id);
      box.disabled = (box.checked && chosen.length === 1) || (!box.checked && chosen.length >= MOST_MODELS);
      box.addEventListener('change', () => {
        choose(box.checked ? [...chosen, id] : chosen.filter((other) => other !== id));
        saveChosen(chosen);
        [...byId('model-list').querySelectorAll('input')].find((input) => input.value === id)?.focus();
      });
      return h('label', { class: 'check' }, box, h('span', {}, h('bdi', { text: id }), h('small', { text: parent ? `adapter on ${parent}` : 'base' })));
    }),
  );
  byId('models-hint').textContent = models.length > MOST_MODELS ? `At most ${MOST_MODELS} at once: browsers keep few connections to a server.` : '';
}

function listMarks() {
  const select = byId('mark');
  const options = [['none', 'no marks'], ['probabilities', 'token probabilities']];
  if (chosen.length > 1) options.push(...chosen.map((id) => [`differences:${id}`, `differences from ${id}`]));
  if (!options.some(([value]) => value === settings.mark)) settings.mark = 'none';
  select.replaceChildren(...options.map(([value, text]) => h('option', { value, text })));
  select.value = settings.mark;
  select.hidden = false;
}

// what the page shows

function refresh() {
  const working = busy();
  byId('send').disabled = chosen.length === 0;
  byId('send').hidden = working;
  byId('stop-all').hidden = !working;
  byId('regenerate-all').disabled = working || !shown().some(({ turns }) => turns.length > 0);
  for (const id of ['clear-all', 'export-markdown', 'export-jsonl']) byId(id).disabled = !shown().some(({ turns }) => turns.length > 0);
  [...byId('tabs').children].forEach((tab, i) => {
    tab.classList.toggle('running', shown()[i].busy);
    tab.classList.toggle('failed', shown()[i].turns.at(-1)?.answer.state === 'failed');
  });
  mark();
}

/** Marks the answers that are whole; differences are between answers of the same place. */
function mark() {
  const id = settings.mark.startsWith('differences:') ? settings.mark.slice('differences:'.length) : null;
  const reference = id === null ? undefined : columns.get(id);
  const changed = new Map(); // by turn, the reference's words that some other column lacks
  for (const column of shown()) {
    if (column === reference) continue;
    column.mark(column.turns.map(({ answer }, i) => {
      const other = reference?.turns[i]?.answer;
      if (!other || ![answer, other].every(({ state }) => state === 'done' || state === 'stopped')) return undefined;
      const found = compared(other, answer);
      changed.set(i, changed.has(i) ? both(changed.get(i), found.left) : found.left);
      return { runs: found.right, share: found.share, reference: id };
    }));
  }
  reference?.mark(reference.turns.map((_, i) => changed.has(i) ? { runs: changed.get(i) } : undefined));
}

/** The differences of two whole answers, found once. */
function compared(one, other) {
  const before = differencesFound.get(other);
  if (before?.one === one) return before.found;
  const found = differences(one.text, other.text);
  differencesFound.set(other, { one, found });
  return found;
}

/** Runs of one text, marked where either list marks it. */
function both(one, other) {
  const marked = (runs) => runs.flatMap(({ text, same }) => Array(text.length).fill(same));
  const [a, b] = [marked(one), marked(other)];
  const text = one.map((run) => run.text).join('');
  const list = [];
  for (let i = 0; i < text.length; i++) {
    const same = a[i] && b[i];
    if (list.length > 0 && list.at(-1).same === same) list.at(-1).text += text[i];
    else list.push({ text: text[i], same });
  }
  return list;
}

function setMark(value) {
  settings.mark = value;
  byId('mark').value = value;
  saveSettings(settings);
  mark();
}

function theme(name) {
  settings.theme = name;
  if (name === 'auto') delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = name;
  byId('theme').textContent = `Theme: ${name}`;
}

function nextTheme() {
  theme({ auto: 'light', light: 'dark', dark: 'auto' }[settings.theme] ?? 'auto');
  saveSettings(settings);
  say(`Theme: ${settings.theme}`);
}

/** Tabs are there when the columns do not fit; the one in view is current. */
function tabs() {
  const overflow = board.scrollWidth > board.clientWidth + 8;
  byId('tabs').hidden = !overflow;
  if (!overflow) return;
  const left = board.getBoundingClientRect().left;
  const distance = (column) => Math.abs(column.element.getBoundingClientRect().left - left);
  const nearest = shown().reduce((best, column) => (distance(column) < distance(best) ? column : best));
  [...byId('tabs').children].forEach((tab, i) => {
    if (shown()[i] === nearest) tab.setAttribute('aria-current', 'true');
    else tab.removeAttribute('aria-current');
  });
}

// what the user does

function send() {
  const text = message.value;
  if (text.trim() === '' || chosen.length === 0) return;
  if (busy()) {
    say('Still answering; Escape stops.', true);
    return;
  }
  if (!panel.valid()) return;
  message.value = '';
  fit(message);
  for (const column of shown()) column.send(text);
}

function stopAll() {
  for (const column of shown()) column.stop();
}

function regenerateAll() {
  if (!busy() && panel.valid()) for (const column of shown()) column.regenerate();
}

function askKey(why) {
  const dialog = byId('key-dialog');
  byId('key-why').textContent = why;
  byId('key').value = api.key() ?? '';
  byId('key-forget').hidden = api.key() === null;
  if (!dialog.open) dialog.showModal();
  byId('key').select();
}

async function withKey(value) {
  api.useKey(value);
  byId('key-dialog').close();
  if (await look()) for (const column of shown()) if (column.refused) column.regenerate();
}

function help() {
  byId('keys-on').checked = settings.keys;
  byId('help-dialog').showModal();
}

function file(extension) {
  const now = new Date();
  const stamp = new Date(now.getTime() - 60_000 * now.getTimezoneOffset()).toISOString().slice(0, 16);
  const name = `graft-${stamp.replaceAll(':', '')}.${extension}`;
  if (extension === 'md') download(name, 'text/markdown', toMarkdown(shown(), stamp.replace('T', ' ')));
  else download(name, 'application/jsonl', toJsonl(shown()));
}

const clicks = {
  'stop-all': stopAll,
  'regenerate-all': regenerateAll,
  'clear-all': () => shown().forEach((column) => column.clear()),
  'export-markdown': () => file('md'),
  'export-jsonl': () => file('jsonl'),
  'models-refresh': look,
  'key-button': () => askKey(''),
  'key-forget': () => withKey(''),
  'key-cancel': () => byId('key-dialog').close(),
  'copy-close': () => byId('copy-dialog').close(),
  'help-button': help,
  'help-close': () => byId('help-dialog').close(),
  theme: nextTheme,
};
for (const [id, action] of Object.entries(clicks)) byId(id).addEventListener('click', () => action());
byId('more').addEventListener('click', (event) => event.target.closest('button') && byId('more').hidePopover());
byId('composer').addEventListener('submit', (event) => (event.preventDefault(), send()));
byId('key-form').addEventListener('submit', (event) => (event.preventDefault(), withKey(byId('key').value.trim())));
byId('keys-on').addEventListener('change', (event) => {
  settings.keys = event.target.checked;
  saveSettings(settings);
});
byId('mark').addEventListener('change', (event) => setMark(event.target.value));
message.addEventListener('input', () => fit(message));
message.addEventListener('keydown', (event) => {
  if (event.isComposing) return;
  if (event.key === 'Enter' && !event.shiftKey) {
    event.preventDefault();
    send();
  } else if (event.key === 'ArrowUp' && message.value === '') {
    event.preventDefault();
    shown().find(({ turns }) => turns.length > 0)?.edit();
  }
});

const shortcuts = {
  '/': () => message.focus(),
  '?': help,
  d: () => setMark(settings.mark.startsWith('differences:') || chosen.length < 2 ? 'none' : `differences:${chosen[0]}`),
  p: () => setMark(settings.mark === 'probabilities' ? 'none' : 'probabilities'),
  r: regenerateAll,
  s: () => panel.toggle(),
  t: nextTheme,
};
document.addEventListener('keydown', (event) => {
  if (event.defaultPrevented || document.querySelector('dialog:modal, :popover-open')) return;
  if (event.key === 'Escape') {
    if (busy()) stopAll();
    return;
  }
  if (!settings.keys || event.ctrlKey || event.metaKey || event.altKey || event.target.closest('input, textarea, select')) return;
  const action = shortcuts[event.key] ?? (/^[1-9]$/.test(event.key) && shown()[event.key - 1] ? () => shown()[event.key - 1].focus() : null);
  if (!action) return;
  event.preventDefault();
  action();
});

board.addEventListener('scroll', tabs, { passive: true });
new ResizeObserver(tabs).observe(board);
document.addEventListener('visibilitychange', () => {
  if (document.visibilityState === 'visible' && models.length > 0 && !busy() && Date.now() - lastLook > 10_000) look();
});

theme(settings.theme);
refresh();
start();
