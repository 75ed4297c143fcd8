// Clients that ask a running 'graft serve' on this machine for a while: node load.mjs http://127.0.0.1:8080 [CLIENTS=16] [SECONDS=60] [ANSWER=32]
// Prints how many answers came whole, by status, and ends with 1 when one was lost. Loopback only, and it stops by itself.
const [root = "http://127.0.0.1:8080", clients = "16", seconds = "60", answer = "32"] = process.argv.slice(2);
if (!["127.0.0.1", "localhost", "[::1]"].includes(new URL(root).hostname)) throw new Error("only this machine may be asked");
const models = (await (await fetch(root + "/v1/models")).json()).data.map((model) => model.id);
const end = Date.now() + 1000 * Math.min(600, Number(seconds));
const counts = {};
let lost = 0;

async function client(number) {
  for (let i = 0; Date.now() < end; i++) {
    const stream = i % 2 === 0;
    const body = { model: models[(number + i) % models.length], messages: [{ role: "user", content: "Client " + number + " asks " + i }], max_tokens: Number(answer), stream };
    try {
      const reply = await fetch(root + "/v1/chat/completions", { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) });
      const text = await reply.text();
      counts[reply.status] = (counts[reply.status] ?? 0) + 1;
      const whole = reply.status === 200 ? (stream ? text.endsWith("data: [DONE]\n\n") : JSON.parse(text).usage.completion_tokens > 0) : reply.status === 429 && reply.headers.has("retry-after");
      if (!whole) lost++;
      if (reply.status === 429) await new Promise((done) => setTimeout(done, 50));
    } catch (error) {
      lost++;
      console.log(String(error.cause ?? error));
    }
  }
}

await Promise.all(Array.from({ length: Math.min(512, Number(clients)) }, (_, number) => client(number)));
console.log(JSON.stringify({ statuses: counts, lost }));
process.exit(lost === 0 ? 0 : 1);
