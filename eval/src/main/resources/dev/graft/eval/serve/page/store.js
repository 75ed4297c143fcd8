import { DEFAULTS } from './request.js';

const SETTINGS = 'graft.settings';
const CHOSEN = 'graft.models';
const TALKS = 'graft.conversations';

/** The settings of last time; what is missing or of another kind is as at first. */
export function loadSettings() {
  const saved = read(localStorage, SETTINGS) ?? {};
  return Object.fromEntries(Object.entries(DEFAULTS).map(([name, first]) => [name, typeof saved[name] === typeof first ? saved[name] : first]));
}

export function saveSettings(settings) {
  write(localStorage, SETTINGS, settings);
}

/** @returns {string[]|null} ids of the models that were chosen last */
export function loadChosen() {
  const saved = read(localStorage, CHOSEN);
  return Array.isArray(saved) ? saved.filter((id) => typeof id === 'string') : null;
}

export function saveChosen(ids) {
  write(localStorage, CHOSEN, ids);
}

/** Conversations outlive a reload, not the tab; answers that were not whole then count as stopped. @returns {Object<string, object[]>} turns by model */
export function loadTalks() {
  const saved = read(sessionStorage, TALKS);
  if (saved?.version !== 1) return {};
  for (const { answer } of Object.values(saved.turns).flat()) {
    if (answer.state === 'waiting' || answer.state === 'streaming') answer.state = 'stopped';
  }
  return saved.turns;
}

/** Without the tokens' probabilities, which may not fit. */
export function saveTalks(columns) {
  const turns = {};
  for (const column of columns) {
    turns[column.model] = column.turns.map((turn) => ({ ...turn, answer: { ...turn.answer, tokens: [] } }));
  }
  write(sessionStorage, TALKS, { version: 1, turns });
}

function read(storage, name) {
  try {
    return JSON.parse(storage.getItem(name));
  } catch {
    return null;
  }
}

function write(storage, name, value) {
  try {
    storage.setItem(name, JSON.stringify(value));
  } catch {
    // full or forbidden: it is forgotten with the page
  }
}
