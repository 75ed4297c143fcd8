import { byId } from './dom.js';
import { DEFAULTS, problems, stops } from './request.js';

const FIELDS = ['system', 'temperature', 'topP', 'maxTokens', 'seed', 'stop', 'schema'];

/** The settings' form: a panel beside the columns, or a window of its own on narrow screens. */
export class SettingsPanel {
  #panel = byId('settings');
  #form = byId('settings-form');
  #button = byId('settings-button');
  #narrow = matchMedia('(max-width: 60rem)');

  /** @param changed called after each change that was typed */
  constructor(settings, changed) {
    this.settings = settings;
    this.#fill();
    this.#form.addEventListener('input', () => {
      for (const name of FIELDS) settings[name] = this.#form.elements[name].value;
      this.#check();
      changed();
    });
    this.#form.addEventListener('submit', (event) => event.preventDefault());
    byId('settings-reset').addEventListener('click', () => {
      for (const name of FIELDS) settings[name] = DEFAULTS[name];
      this.#fill();
      changed();
    });
    byId('settings-close').addEventListener('click', () => this.close());
    this.#button.addEventListener('click', () => this.toggle());
    this.#panel.addEventListener('keydown', (event) => {
      if (event.key !== 'Escape') return;
      event.preventDefault();
      event.stopPropagation();
      this.close();
    });
    this.#panel.addEventListener('close', () => this.#button.setAttribute('aria-expanded', 'false'));
    this.#narrow.addEventListener('change', () => {
      if (!this.#panel.open) return;
      this.#panel.close();
      this.open();
    });
  }

  /** Whether a request can be made; shows what is wrong when not. */
  valid() {
    const wrong = Object.keys(problems(this.settings));
    if (wrong.length === 0) return true;
    this.open();
    this.#form.elements[wrong[0]].focus();
    return false;
  }

  toggle() {
    if (this.#panel.open) this.close();
    else this.open();
  }

  open() {
    if (this.#panel.open) return;
    if (this.#narrow.matches) this.#panel.showModal();
    else this.#panel.show();
    this.#button.setAttribute('aria-expanded', 'true');
  }

  close() {
    this.#panel.close();
    this.#button.focus();
  }

  #fill() {
    for (const name of FIELDS) this.#form.elements[name].value = this.settings[name];
    this.#check();
  }

  #check() {
    const wrong = problems(this.settings);
    for (const name of FIELDS) {
      const error = byId(`${name}-error`);
      if (error) error.textContent = wrong[name] ?? '';
      this.#form.elements[name].setAttribute('aria-invalid', String(name in wrong));
    }
    byId('settings-summary').textContent = Object.keys(wrong).length > 0 ? 'something is wrong' : summary(this.settings);
    this.#button.classList.toggle('wrong', Object.keys(wrong).length > 0);
  }
}

function summary(settings) {
  const parts = [];
  const put = (name, typed) => typed.trim() !== '' && parts.push(`${name} ${typed.trim()}`);
  put('temperature', settings.temperature);
  put('top-p', settings.topP);
  put('max', settings.maxTokens);
  put('seed', settings.seed);
  if (settings.system.trim() !== '') parts.push('system prompt');
  if (stops(settings.stop).length > 0) parts.push('stop');
  if (settings.schema.trim() !== '') parts.push('schema');
  return parts.join(' · ');
}
