// OpenAI's own client against a running 'graft serve': node calls.mjs http://127.0.0.1:8080/v1 [API_KEY]
// Needs: npm install openai. Prints a line for each call and ends with 1 when one went wrong.
import assert from "node:assert/strict";
import OpenAI from "openai";

const baseURL = process.argv[2] ?? "http://127.0.0.1:8080/v1";
const apiKey = process.argv[3] ?? "none";
const client = new OpenAI({ baseURL, apiKey, maxRetries: 0 });
const messages = [{ role: "user", content: "Say yes." }];
const list = (await client.models.list()).data;
const base = list.find((model) => !model.parent).id;
const adapters = list.filter((model) => model.parent === base).map((model) => model.id);
let failed = 0;

async function call(name, work) {
  try {
    await work();
    console.log("ok     " + name);
  } catch (error) {
    failed++;
    console.log("FAILED " + name + ": " + (error.stack ?? error));
  }
}

async function refused(status, code, work) {
  const error = await work().then(() => assert.fail("was not refused"), (reason) => reason);
  assert.equal(error.status, status, String(error));
  if (code) assert.equal(error.code, code);
  assert.ok(error.message.length > 0);
  return error;
}

const chat = (fields) => client.chat.completions.create({ model: base, messages, max_tokens: 8, temperature: 0, ...fields });

await call("models.retrieve", async () => assert.equal((await client.models.retrieve(base)).id, base));
await call("chat", async () => {
  const reply = await chat({});
  assert.equal(reply.object, "chat.completion");
  assert.equal(reply.choices[0].message.role, "assistant");
  assert.ok(["stop", "length"].includes(reply.choices[0].finish_reason));
  assert.equal(reply.usage.total_tokens, reply.usage.prompt_tokens + reply.usage.completion_tokens);
});
await call("chat, greedy twice the same", async () => assert.equal((await chat({})).choices[0].message.content, (await chat({})).choices[0].message.content));
await call("chat, the prompt's tokens are in the cache", async () => assert.ok((await chat({})).usage.prompt_tokens_details.cached_tokens >= 0));
for (const adapter of adapters.slice(0, 2)) {
  await call("chat with " + adapter, async () => assert.equal((await chat({ model: adapter })).model, adapter));
}
await call("chat, streamed, is the same text", async () => {
  let text = "";
  let usage;
  let end;
  for await (const chunk of await chat({ stream: true, stream_options: { include_usage: true } })) {
    text += chunk.choices[0]?.delta?.content ?? "";
    end = chunk.choices[0]?.finish_reason ?? end;
    usage = chunk.usage ?? usage;
  }
  assert.equal(text, (await chat({})).choices[0].message.content);
  assert.ok(usage.completion_tokens > 0 && end);
});
await call("chat, the client's own gathering of a stream", async () => {
  const stream = client.chat.completions.stream({ model: base, messages, max_tokens: 8, temperature: 0 });
  assert.equal((await stream.finalChatCompletion()).choices[0].message.content, (await chat({})).choices[0].message.content);
});
await call("chat, a stream left early", async () => {
  for await (const chunk of await chat({ stream: true, max_tokens: 32 })) {
    assert.ok(chunk.id);
    break;
  }
});
await call("chat, a seed", async () => {
  const one = await chat({ temperature: 1, seed: 7 });
  assert.equal(one.choices[0].message.content, (await chat({ temperature: 1, seed: 7 })).choices[0].message.content);
});
await call("chat, n", async () => assert.deepEqual((await chat({ n: 3, temperature: 1 })).choices.map((choice) => choice.index), [0, 1, 2]));
await call("chat, log-probabilities", async () => {
  const tokens = (await chat({ logprobs: true, top_logprobs: 3 })).choices[0].logprobs.content;
  assert.ok(tokens.length > 0 && tokens.every((token) => token.logprob <= 0 && token.top_logprobs.length === 3 && Array.isArray(token.bytes)));
});
await call("chat, parts of text", async () => assert.ok((await chat({ messages: [{ role: "user", content: [{ type: "text", text: "Say yes." }] }] })).id));
await call("chat, a JSON schema", async () => {
  const schema = { type: "object", properties: { answer: { enum: ["yes", "no"] } }, required: ["answer"], additionalProperties: false };
  const reply = await chat({ max_tokens: 64, response_format: { type: "json_schema", json_schema: { name: "answer", strict: true, schema } } });
  assert.ok(["yes", "no"].includes(JSON.parse(reply.choices[0].message.content).answer));
});
const tools = [
  { type: "function", function: { name: "set_lamp", description: "Sets a lamp.", strict: true, parameters: { type: "object", properties: { room: { enum: ["kitchen", "hall"] }, on: { type: "boolean" } }, required: ["room", "on"], additionalProperties: false } } },
  { type: "function", function: { name: "now", description: "Tells the time." } },
];
const lamp = { tools, tool_choice: { type: "function", function: { name: "set_lamp" } }, max_tokens: 200 };
// a template without tools, or an engine that holds no answer to a form, says so
const takesTools = await chat(lamp).then(() => true, (error) => error.status !== 400 || !["tools", "tool_choice"].includes(error.param));

function lampCall(choice) {
  assert.equal(choice.finish_reason, "tool_calls");
  assert.equal(choice.message.tool_calls.length, 1);
  const made = choice.message.tool_calls[0];
  assert.equal(made.type, "function");
  assert.equal(made.function.name, "set_lamp");
  const given = JSON.parse(made.function.arguments);
  assert.ok(["kitchen", "hall"].includes(given.room) && typeof given.on === "boolean");
  return made;
}

if (takesTools) {
  await call("tools, a named function, and its result sent back", async () => {
    const choice = (await chat(lamp)).choices[0];
    const result = { role: "tool", tool_call_id: lampCall(choice).id, content: "done" };
    const after = (await chat({ tools, tool_choice: "none", messages: [...messages, choice.message, result] })).choices[0];
    assert.equal(typeof after.message.content, "string");
  });
  await call("tools, required", async () => {
    const choice = (await chat({ ...lamp, tool_choice: "required", parallel_tool_calls: false })).choices[0];
    assert.equal(choice.finish_reason, "tool_calls");
    assert.ok(["set_lamp", "now"].includes(choice.message.tool_calls[0].function.name));
  });
  await call("tools, streamed and gathered by the client", async () => {
    const stream = client.chat.completions.stream({ model: base, messages, temperature: 0, ...lamp });
    const made = lampCall((await stream.finalChatCompletion()).choices[0]);
    assert.equal(made.function.arguments, lampCall((await chat(lamp)).choices[0]).function.arguments);
  });
  await call("tools, auto", async () => {
    const choice = (await chat({ tools })).choices[0];
    assert.ok(typeof choice.message.content === "string" || choice.message.tool_calls.length > 0);
  });
  await call("tools, a choice that is none is 400", () => refused(400, null, () => chat({ ...lamp, tool_choice: { type: "function", function: { name: "nobody" } } })));
} else {
  console.log("skip   tools: " + base + " takes none; serve with a --template that does");
}
await call("completion", async () => {
  const reply = await client.completions.create({ model: base, prompt: "Once", max_tokens: 4, temperature: 0, echo: true });
  assert.ok(reply.choices[0].text.startsWith("Once"));
});
await call("completions of two prompts, streamed", async () => {
  const seen = new Set();
  for await (const chunk of await client.completions.create({ model: base, prompt: ["a", "b"], max_tokens: 4, stream: true })) seen.add(chunk.choices[0].index);
  assert.equal(seen.size, 2);
});
await call("embeddings (the client asks for base64)", async () => {
  const reply = await client.embeddings.create({ model: base, input: ["hello", "world"] });
  const plain = await client.embeddings.create({ model: base, input: "hello", encoding_format: "float" });
  const length = Math.hypot(...reply.data[0].embedding);
  assert.ok(Math.abs(length - 1) < 1e-3, "length " + length);
  assert.ok(Math.abs(plain.data[0].embedding[0] - reply.data[0].embedding[0]) < 1e-5);
});
await call("unknown model is 404", () => refused(404, "model_not_found", () => chat({ model: "nobody" })));
await call("bad temperature is 400 and named", async () => assert.equal((await refused(400, null, () => chat({ temperature: -1 }))).param, "temperature"));
await call("too long is 400 with its code", () => refused(400, "context_length_exceeded", () => chat({ max_tokens: 1000000 })));
await call("images are 400", () => refused(400, null, () => chat({ messages: [{ role: "user", content: [{ type: "image_url", image_url: { url: "data:," } }] }] })));
console.log(failed === 0 ? "all calls went well" : failed + " calls failed");
process.exit(failed === 0 ? 0 : 1);
