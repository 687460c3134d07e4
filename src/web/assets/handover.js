// A question on its way from an answer to the page of comparison. It goes through the tab's storage
// and not through the address, which servers and browsers write down.

import { el } from "./dom.js";

const KEY = "kura-compare";

/** A link that takes the question of an answer along. */
export function compareLink(entry) {
  const keep = () => {
    try {
      sessionStorage.setItem(KEY, entry.question);
    } catch {
      // The storage is full or off: the question has to be typed again.
    }
  };
  return el("a", { class: "button button-plain answer-compare", href: "/compare", on: { click: keep } }, "条件を変えて比べる");
}

/** The question that was brought along, once. */
export function broughtQuestion() {
  try {
    const question = sessionStorage.getItem(KEY) ?? "";
    sessionStorage.removeItem(KEY);
    return question;
  } catch {
    return "";
  }
}
