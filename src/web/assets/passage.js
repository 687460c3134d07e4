// The dialog that shows a cited passage in full, with its source.

import { byId, el } from "./dom.js";
import { japaneseDate, place } from "./format.js";

const encoder = new TextEncoder();
const decoder = new TextDecoder();

const SCOPES = { common: "（国や共通の決まり）", local: "（この自治体の決まりや取り扱い）", upload: "（国や本市の決まりではありません）" };

/** Text as nodes, with the byte ranges of `highlights` marked. */
export function marked(text, highlights) {
  const bytes = encoder.encode(text);
  const nodes = [];
  let at = 0;
  for (const { start, end } of [...highlights].sort((a, b) => a.start - b.start)) {
    if (start < at || end <= start || end > bytes.length) continue;
    nodes.push(decoder.decode(bytes.subarray(at, start)));
    nodes.push(el("mark", {}, decoder.decode(bytes.subarray(start, end))));
    at = end;
  }
  nodes.push(decoder.decode(bytes.subarray(at)));
  return nodes.filter((node) => node !== "");
}

/** Whether a source lies too far behind the day that was asked. */
const isStale = (source) => source.dataset.stale || source.time?.stale;

/** The badges of a source: 位置付け, 通例 or 固有, whether it is in force, whether it may be stale. */
export function badges(source) {
  return el(
    "p",
    { class: "badges" },
    el("span", { class: "badge" }, source.authority_label),
    el("span", { class: `badge badge-${source.passage.scope}` }, source.scope_label),
    source.time?.caution && el("span", { class: "badge badge-time" }, source.time.label),
    isStale(source) && el("span", { class: "badge badge-stale" }, "古い可能性"),
  );
}

/** What the reader has to know about a source before believing it. */
export const warnings = (source) => (source.warnings ?? []).map((text) => el("p", { class: "source-warning" }, text));

let beforeOpening = () => {};

/** Opens the passage; focus goes to its title and comes back when the dialog closes. */
export function openPassage(source) {
  const dialog = byId("passage");
  beforeOpening();
  byId("passage-title").replaceChildren(`[${source.number}] ${source.citation}`);
  byId("passage-body").replaceChildren(facts(source), ...warnings(source), fullText(source));
  dialog.showModal();
  byId("passage-body").scrollTop = 0;
  byId("passage-title").focus();
}

/** Wires the close button and a click beside the dialog; `onOpen` is called before it opens. */
export function setUpPassage(onOpen) {
  const dialog = byId("passage");
  beforeOpening = onOpen;
  byId("passage-close").addEventListener("click", () => dialog.close());
  dialog.addEventListener("click", (event) => {
    if (event.target === dialog) dialog.close();
  });
}

/** What the number of a document is called that is no law. */
const NUMBERS = { "public-notice": "告示番号", circular: "文書番号", manual: "文書番号", faq: "文書番号" };

function facts(source) {
  const { passage, dataset } = source;
  const rows = [
    ["データセット", `${dataset.title}　版 ${dataset.edition}`],
    ["基準日", `${japaneseDate(passage.as_of)}（${passage.as_of}）${isStale(source) ? "　古い可能性があります" : ""}`],
    ["施行", [source.time?.label, source.time?.words].filter(Boolean).join("　")],
    ["位置付け", source.authority_label],
    ["区分", source.scope_label + (SCOPES[passage.scope] ?? "")],
    [NUMBERS[passage.authority] ?? "法令番号", passage.law_number],
    ["見出し", passage.headings.join(" ＞ ")],
    ["ファイル", place(passage)],
  ];
  const list = el("dl", { class: "passage-facts" });
  for (const [name, value] of rows.filter(([, value]) => value)) {
    list.append(el("dt", {}, name), el("dd", {}, value));
  }
  return list;
}

/** The whole passage, with the words marked that matched in its snippet. */
function fullText(source) {
  const bytes = encoder.encode(source.snippet);
  const words = source.highlights.map(({ start, end }) => decoder.decode(bytes.subarray(start, end)));
  return el("p", { class: "passage-text" }, ...markedWords(source.passage.text, words));
}

function markedWords(text, words) {
  const known = [...new Set(words)].filter((word) => word.trim() !== "").sort((a, b) => b.length - a.length);
  if (known.length === 0) return [text];
  const escaped = known.map((word) => word.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"));
  // The group keeps the matches: they stand at the odd places.
  const parts = text.split(new RegExp(`(${escaped.join("|")})`));
  return parts.map((part, at) => (at % 2 === 1 ? el("mark", {}, part) : part));
}
