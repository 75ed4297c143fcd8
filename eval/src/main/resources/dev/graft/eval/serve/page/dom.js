/** An element. Attributes: text, on (listeners by event), class, or any attribute; true is an empty one, false and null none. */
export function h(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name === 'text') element.textContent = value;
    else if (name === 'on') for (const [event, listener] of Object.entries(value)) element.addEventListener(event, listener);
    else if (value !== false && value !== null) element.setAttribute(name, value === true ? '' : value);
  }
  element.append(...children.filter((child) => child !== null));
  return element;
}

export function byId(id) {
  return document.getElementById(id);
}

/** Makes a text field as high as its text, within the limits of its style sheet. */
export function fit(area) {
  area.style.height = 'auto';
  area.style.height = `${area.scrollHeight + area.offsetHeight - area.clientHeight}px`;
}

/** Says something to screen readers, and with show also to eyes, for a while. */
export function say(text, show = false) {
  byId('status').textContent = text;
  if (!show) return;
  const toast = byId('toast');
  toast.textContent = text;
  toast.classList.add('shown');
  clearTimeout(say.timer);
  say.timer = setTimeout(() => toast.classList.remove('shown'), 2500);
}

/** Copies a text, or shows it selected where the browser has no clipboard for pages (those not from localhost or https). @param what its name in messages */
export async function copy(text, what) {
  try {
    await navigator.clipboard.writeText(text);
    say(`Copied ${what}.`, true);
  } catch {
    const area = byId('copy-text');
    area.value = text;
    byId('copy-title').textContent = `Copy ${what}`;
    byId('copy-dialog').showModal();
    area.select();
  }
}

/** Offers a text as a file. */
export function download(name, type, text) {
  const url = URL.createObjectURL(new Blob([text], { type }));
  h('a', { href: url, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}
