// The questions of this tab. They live in the tab's session storage and end with it.

import { byId, el } from "./dom.js";
import { KINDS } from "./format.js";

const KEY = "kura-history";
const LENGTH_MAX = 30;

/** Entries, newest first, and their list at the side. */
export class History {
  constructor(onOpen) {
    this.onOpen = onOpen;
    this.entries = load();
    this.current = null;
    byId("history-clear").addEventListener("click", () => this.clear());
  }

  add(entry) {
    this.entries = [entry, ...this.entries].slice(0, LENGTH_MAX);
    this.show(entry);
  }

  /** Marks the entry that is on the page and draws the list again. */
  show(entry) {
    this.current = entry;
    this.draw();
  }

  save() {
    const whole = this.entries.filter((entry) => entry.state !== "running");
    for (let count = whole.length; count >= 0; count -= 1) {
      try {
        sessionStorage.setItem(KEY, JSON.stringify(whole.slice(0, count)));
        return;
      } catch {
        // The storage is full or off: keep fewer, then none. The list in memory is whole.
      }
    }
  }

  draw() {
    byId("history").hidden = this.entries.length === 0;
    byId("history-list").replaceChildren(...this.entries.map((entry) => this.item(entry)));
  }

  item(entry) {
    const states = { running: "作成中", stopped: "途中で停止", failed: "回答できず" };
    const meta = `${entry.time}　${states[entry.state] ?? KINDS[entry.summary?.kind] ?? ""}`;
    const button = el(
      "button",
      { type: "button", "aria-current": entry === this.current ? "true" : null, on: { click: () => this.onOpen(entry) } },
      el("span", { class: "history-question" }, entry.question),
      el("span", { class: "history-meta" }, meta),
    );
    return el("li", {}, button);
  }

  clear() {
    this.entries = this.entries.filter((entry) => entry.state === "running");
    this.save();
    this.draw();
    byId("question").focus();
  }
}

function load() {
  try {
    return JSON.parse(sessionStorage.getItem(KEY)) ?? [];
  } catch {
    return [];
  }
}
