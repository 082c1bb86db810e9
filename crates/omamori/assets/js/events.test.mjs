import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import test from "node:test";

// Loaded as a module by its media type, as a page does: these assets have no package.json.
const source = readFileSync(new URL("./events.js", import.meta.url), "utf8");
const { eventsOf } = await import(`data:text/javascript,${encodeURIComponent(source)}`);

async function read(...chunks) {
  const bytes = new TextEncoder();
  const body = new ReadableStream({
    start(controller) {
      for (const chunk of chunks) {
        controller.enqueue(typeof chunk === "string" ? bytes.encode(chunk) : chunk);
      }
      controller.close();
    },
  });
  const events = [];
  for await (const event of eventsOf(body)) events.push(event);
  return events;
}

test("events are read whatever the network's cuts", async () => {
  const stream =
    ': hello\n\nevent: entry\nid: 7\ndata: {"a":1}\n\nevent: entry\nid: 8\ndata: {}\n\n';
  const expected = [
    { name: "entry", data: '{"a":1}' },
    { name: "entry", data: "{}" },
  ];
  assert.deepEqual(await read(stream), expected);
  assert.deepEqual(await read(...stream), expected);
  assert.deepEqual(await read(stream.replaceAll("\n", "\r\n")), expected);
});

test("a cut inside a character does not harm it", async () => {
  const bytes = new TextEncoder().encode("data: 神楽坂\n\n");
  assert.equal((await read(bytes.slice(0, 8), bytes.slice(8)))[0].data, "神楽坂");
});

test("an event that is cut off is not read", async () => {
  assert.deepEqual(await read('event: entry\ndata: {"amount":-4'), []);
});
