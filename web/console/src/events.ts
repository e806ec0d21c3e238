// Server-sent events over fetch: EventSource sends no Authorization header, and a token in the
// address would end up in logs.
import { askRaw, type Generation } from "./client";
import { problemOf } from "./problem";

export interface ServerEvent {
  event: string;
  id: string;
  data: string;
}

/** The events of a text/event-stream, as the HTML standard reads it. */
export async function* readEvents(body: ReadableStream<Uint8Array>): AsyncGenerator<ServerEvent> {
  const reader = body.pipeThrough(new TextDecoderStream() as ReadableWritablePair<string, Uint8Array>).getReader();
  let rest = "";
  let event = "";
  let id = "";
  let data: string[] = [];
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      rest += value;
      const lines = rest.split(/\r\n|\n|\r/);
      rest = lines.pop() ?? "";
      for (const line of lines) {
        if (line === "") {
          if (data.length > 0) yield { event: event || "message", id, data: data.join("\n") };
          event = "";
          data = [];
          continue;
        }
        const colon = line.indexOf(":");
        const name = colon < 0 ? line : line.slice(0, colon);
        const text = colon < 0 ? "" : line.slice(colon + 1).replace(/^ /, "");
        if (name === "event") event = text;
        else if (name === "data") data.push(text);
        else if (name === "id") id = text;
      }
    }
  } finally {
    reader.cancel().catch(() => undefined);
  }
}

/** Tells of a generation as it changes, until it has ended or `signal` says so. */
export async function watchGeneration(id: string, signal: AbortSignal, tell: (now: Generation) => void) {
  let last = "";
  let failures = 0;
  while (!signal.aborted) {
    try {
      const response = await askRaw(`/api/v1/generations/${encodeURIComponent(id)}/events`, {
        signal,
        headers: { Accept: "text/event-stream", ...(last === "" ? {} : { "Last-Event-ID": last }) },
      });
      if (!response.ok || response.body === null) throw problemOf(response, await response.json());
      for await (const event of readEvents(response.body)) {
        failures = 0;
        last = event.id;
        if (event.event === "deleted") return;
        const now = JSON.parse(event.data) as Generation;
        tell(now);
        if (hasEnded(now)) return;
      }
    } catch {
      if (signal.aborted) return;
      failures += 1;
      if (failures > 5) return; // the list, which is asked now and then, has the last word
    }
    await pause(Math.min(500 * 2 ** failures, 8000), signal);
  }
}

export const hasEnded = ({ status }: Generation) => status !== "pending" && status !== "processing";

function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((resume) => {
    const timer = setTimeout(resume, milliseconds);
    signal.addEventListener("abort", () => {
      clearTimeout(timer);
      resume();
    });
  });
}
