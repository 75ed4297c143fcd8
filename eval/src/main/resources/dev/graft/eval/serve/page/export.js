import { figures } from './answer.js';
import { unanswered } from './request.js';

/** One line an answer: the request's messages with the answer, then where it comes from. */
export function toJsonl(columns) {
  return answers(columns)
    .map(({ model, parent, turn, prompt, answer }) => {
      const { tokens, exact, rate, first } = figures(answer);
      const { model: _, messages, stream, stream_options, ...settings } = answer.request;
      return JSON.stringify({
        model,
        parent,
        turn,
        prompt,
        messages: [...messages, { role: 'assistant', content: answer.text }],
        finish_reason: answer.finish,
        state: answer.state,
        error: answer.error?.message ?? null,
        tokens,
        tokens_exact: exact,
        tokens_per_second: rate,
        seconds_to_first_token: first,
        usage: answer.usage,
        settings,
        ...(answer.tokens.length > 0 && { logprobs: answer.tokens.map(({ text, logprob }) => ({ token: text, logprob })) }),
      });
    })
    .map((line) => `${line}\n`)
    .join('');
}

/** For reading: by turns, each model's answer in a code block. @param date of the export, as it is to be shown */
export function toMarkdown(columns, date) {
  const lines = [`# Answers of ${columns.map(({ model }) => model).join(', ')}`, '', date, ''];
  const last = Math.max(0, ...columns.map(({ turns }) => turns.length));
  for (let turn = 1; turn <= last; turn++) {
    const here = answers(columns).filter((row) => row.turn === turn);
    const prompts = new Set(here.map(({ prompt }) => prompt));
    lines.push(`## Message ${turn}`, '');
    if (prompts.size === 1) lines.push(fenced([...prompts][0]), '');
    for (const { model, prompt, answer } of here) {
      lines.push(`### ${model}`, '');
      if (prompts.size > 1) lines.push(fenced(prompt), '');
      if (unanswered(answer)) lines.push(answer.error ? `No answer: ${answer.error.message}` : 'Stopped.', '');
      else lines.push(fenced(answer.text), '', figureLine(answer), '');
    }
  }
  const settings = answers(columns).at(-1)?.answer.request;
  if (settings) {
    const { model, messages, stream, stream_options, ...rest } = settings;
    const system = messages.find(({ role }) => role === 'system')?.content;
    lines.push('## Settings of the last answer', '', fenced(JSON.stringify(rest, null, 2)), '');
    if (system) lines.push('System prompt:', '', fenced(system), '');
  }
  return lines.join('\n');
}

function answers(columns) {
  return columns.flatMap(({ model, parent, turns }) => turns.map(({ prompt, answer }, i) => ({ model, parent, turn: i + 1, prompt, answer })));
}

function figureLine(answer) {
  const { tokens, exact, rate, first } = figures(answer);
  return [
    `${exact ? '' : '≈ '}${tokens} tokens`,
    ...(rate === null ? [] : [`${rate.toFixed(1)} tokens/s`]),
    ...(first === null ? [] : [`first after ${first.toFixed(2)} s`]),
    answer.finish ?? answer.state,
  ].join(' · ');
}

/** A fence longer than any in the text (CommonMark 4.5). */
function fenced(text) {
  const fence = '`'.repeat(Math.max(3, 1 + Math.max(0, ...(text.match(/`+/g) ?? []).map((run) => run.length))));
  return `${fence}\n${text}\n${fence}`;
}
