// The record of an answer: saving it, and copying it with its 生成情報.

import { el } from "./dom.js";

/** Ends of files and what they are called. */
const FORMATS = [
  ["docx", "Word（docx）"],
  ["html", "印刷・PDF用（HTML）"],
  ["md", "Markdown"],
  ["txt", "テキスト"],
];

const address = (record) => `/answers/${record.replace("-", "")}`;

/** The menu 「保存」 and the way to the record; nothing where no record was made. */
export function recordParts({ summary }) {
  const record = summary?.record;
  if (!record) return [];
  const link = ([end, name]) => el("li", {}, el("a", { href: `${address(record)}.${end}`, download: "" }, name));
  const menu = el(
    "details",
    { class: "save" },
    el("summary", { class: "button button-plain" }, "保存"),
    el("ul", { class: "save-list" }, ...FORMATS.map(link)),
  );
  return [menu, el("a", { class: "button button-plain", href: address(record) }, `記録 ${record}`)];
}

/** The text of the record as it is saved; null where it cannot be had. */
export async function recordText({ summary }) {
  if (!summary?.record) return null;
  try {
    const response = await fetch(`${address(summary.record)}.txt`);
    return response.ok ? await response.text() : null;
  } catch {
    return null;
  }
}
