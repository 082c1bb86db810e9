/**
 * Live events of the wallet. A plain fetch and not an EventSource: it goes through the service
 * worker like any request, sees the status of a refusal, and chooses its own pauses.
 */

const PAUSE_MS = 1_000;
const PAUSE_MS_MAX = 30_000;

/**
 * Follows the event stream until the page goes away.
 * @param {string} path
 * @param {(name: string, data: any) => void} onEvent
 * @param {() => void} onGap called when events may have been missed
 * @param {Record<string, string>} [also] further headers
 */
export async function follow(path, onEvent, onGap, also = {}) {
  let pause = PAUSE_MS;
  for (let first = true; ; first = false) {
    try {
      const headers = { accept: "text/event-stream", ...also };
      const answer = await fetch(path, { headers, cache: "no-store" });
      if (answer.status === 401) return;
      if (!answer.ok) throw new Error(`status ${answer.status}`);
      // A stream begins with what comes next: what came in between is on the page itself.
      if (!first) onGap();
      pause = PAUSE_MS;
      for await (const event of eventsOf(answer.body)) {
        onEvent(event.name, JSON.parse(event.data));
      }
    } catch {
      pause = Math.min(pause * 2, PAUSE_MS_MAX);
    }
    await nextChance(pause);
  }
}

/** Waits, but not longer than until the network or the reader is back. */
function nextChance(pause) {
  return new Promise((resolve) => {
    const controller = new AbortController();
    const go = () => {
      controller.abort();
      resolve();
    };
    const timer = setTimeout(go, pause);
    controller.signal.addEventListener("abort", () => clearTimeout(timer));
    window.addEventListener("online", go, { signal: controller.signal });
    document.addEventListener("visibilitychange", () => document.hidden || go(), {
      signal: controller.signal,
    });
  });
}

/** The events in a body of `text/event-stream`. */
export async function* eventsOf(body) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let pending = "";
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    const blocks = (pending + value).replaceAll("\r\n", "\n").split("\n\n");
    pending = blocks.pop();
    for (const block of blocks) {
      const event = parseEvent(block);
      if (event.data) yield event;
    }
  }
}

function parseEvent(block) {
  const event = { name: "message", data: "" };
  for (const line of block.split("\n")) {
    const [, field, value] = /^([^:]*):? ?(.*)$/.exec(line);
    if (field === "event") event.name = value;
    if (field === "data") event.data += value;
  }
  return event;
}
