// Asking the appliance: one POST, answered by a stream of events.

/** A refusal or a broken line, with a message for the reader. */
export class AskError extends Error {
  constructor(message, retryAfter = null) {
    super(message);
    this.retryAfter = retryAfter;
  }
}

const OFFLINE = "機器につながりません。ネットワークを確かめて、もう一度お試しください。";
const BROKEN = "回答の途中で機器との接続が切れました。もう一度お試しください。";

/** Yields the events of one answer. Aborting `signal` ends the generation. */
export const answerEvents = (request, signal) => events("/api/answer", request, signal, BROKEN);

/** Yields the events by which a POST is answered, up to `finished` or `failed`; `broken` is said
 * when they end before. */
export async function* events(path, request, signal, broken) {
  const response = await post(path, request, signal);
  if (!response.ok) throw await refusal(response);
  const conversation = response.headers.get("kura-conversation");
  if (conversation) yield { type: "conversation", id: conversation };
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let pending = "";
  let ended = false;
  while (!ended) {
    const { value, done } = await read(reader, broken);
    if (done) throw new AskError(broken);
    pending += value;
    const blocks = pending.split("\n\n");
    pending = blocks.pop();
    for (const block of blocks) {
      const data = block.split("\n").filter((line) => line.startsWith("data:"));
      if (data.length === 0) continue;
      const event = JSON.parse(data.map((line) => line.slice(5)).join("\n"));
      ended = event.type === "finished" || event.type === "failed";
      yield event;
      if (ended) break;
    }
  }
}

/** Reads a JSON address of the appliance; `null` when it cannot be had. */
export async function fetchJson(path) {
  try {
    const response = await fetch(path, { headers: { accept: "application/json" } });
    return response.ok ? await response.json() : null;
  } catch {
    return null;
  }
}

async function post(path, request, signal) {
  try {
    return await fetch(path, {
      method: "POST",
      headers: { "content-type": "application/json", accept: "text/event-stream" },
      body: JSON.stringify(request),
      signal,
    });
  } catch (error) {
    throw error.name === "AbortError" ? error : new AskError(OFFLINE);
  }
}

async function read(reader, broken) {
  try {
    return await reader.read();
  } catch (error) {
    throw error.name === "AbortError" ? error : new AskError(broken);
  }
}

/** The error that a response tells of. */
export async function refusal(response) {
  const retryAfter = Number(response.headers.get("retry-after")) || null;
  if (response.status === 401) {
    return new AskError("ログインの期限が切れました。画面を開き直して、ログインしてください。");
  }
  try {
    return new AskError((await response.json()).error.message, retryAfter);
  } catch {
    return new AskError(`機器が答えられませんでした（${response.status}）。`, retryAfter);
  }
}
