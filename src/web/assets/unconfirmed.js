// The mark behind a sentence whose grounds could not be confirmed, shown as a label.

import { el } from "./dom.js";

// As the appliance writes it into the text of an answer.
const MARK = "（根拠未確認）";

/** Makes labels of the marks at the end of a growing text; a mark may come in two pieces. */
export function labelUnconfirmed(text) {
  let node = text.lastChild;
  while (node?.nodeType === Node.TEXT_NODE) {
    const at = node.data.indexOf(MARK);
    if (at < 0) return;
    const mark = at > 0 ? node.splitText(at) : node;
    const rest = mark.data.length > MARK.length ? mark.splitText(MARK.length) : null;
    mark.replaceWith(el("strong", { class: "unconfirmed" }, MARK));
    node = rest;
  }
}
