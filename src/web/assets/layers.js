// The two layers of an answer, 国の共通ルール and 本市の取扱い, and where sources may differ.

import { el } from "./dom.js";
import { japaneseDate } from "./format.js";
import { marked } from "./passage.js";

const TITLES = { common: "国の共通ルール", local: "本市の取扱い", upload: "アップロードした資料" };

/** Sources by layer, in their order: [{title, scope, sources}]. */
export function byLayer(sources) {
  return Object.entries(TITLES)
    .map(([scope, title]) => ({ scope, title, sources: sources.filter((each) => each.passage.scope === scope) }))
    .filter((layer) => layer.sources.length > 0);
}

/** The groups of a finished answer's text as elements; `write` puts text with its citations into
 * one. Empty where the answer stands on one layer. */
export function layeredText(entry, write) {
  return (entry.summary?.layers?.groups ?? []).map((group) => {
    const text = el("div", { class: "layer-text" });
    write(text, group.text);
    return el(
      "section",
      { class: `layer layer-${group.scope ?? "both"}`, "aria-label": group.label },
      el("h3", { class: "layer-title" }, group.label),
      text,
    );
  });
}

/** The differences that concern an answer, each with both sentences; `cite` makes the button that
 * opens a source. */
export function differences(entry, cite) {
  return (entry.summary?.layers?.differences ?? []).map((difference) => {
    const title = difference.between_layers
      ? "国の共通ルールと本市の取扱いに違いがある可能性があります"
      : "資料どうしの記載に違いがある可能性があります";
    return el(
      "section",
      { class: "difference", "aria-label": title },
      el("h3", { class: "difference-title" }, title),
      el("p", {}, "印の付いた語句が異なります。両方の原文を確かめてください。"),
      el("div", { class: "difference-sides" }, ...difference.sides.map((side) => sideOf(side, entry, cite))),
    );
  });
}

function sideOf(side, entry, cite) {
  const source = entry.sources.find((each) => each.number === side.number);
  const scope = source?.passage.scope ?? "local";
  return el(
    "div",
    { class: `difference-side layer-${scope}` },
    el("h4", { class: "layer-title" }, side.layer),
    el("blockquote", { class: "difference-text" }, ...marked(side.text, side.marks), source && cite(source)),
    el("p", { class: "difference-source" }, el("span", { class: "badge" }, side.authority_label), ` ${side.citation}　基準日 ${japaneseDate(side.as_of)}`),
  );
}

/** Notes without those that `differences` shows. */
export function otherNotes(entry, notes) {
  const shown = (entry.summary?.layers?.differences ?? []).map((difference) => difference.message);
  return notes.filter((note) => !shown.includes(note));
}

/** The answer as plain text, by layer where it has two. */
export function plainLayers(entry) {
  const groups = entry.summary?.layers?.groups ?? [];
  if (groups.length === 0) return entry.text.trim();
  return groups.map((group) => `〈${group.label}〉\n${group.text.trim()}`).join("\n\n");
}

/** What may differ, as lines of plain text. */
export function plainDifferences(entry) {
  const found = entry.summary?.layers?.differences ?? [];
  return found.flatMap((difference) => difference.sides.map((side) => `　・${side.layer}[${side.number}]「${side.text}」`));
}
