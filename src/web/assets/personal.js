// Personal data in the question: shown while one types, masked before it is sent, put back where
// the answer is shown. The originals stay in this tab; the box finds them, and keeps nothing.

import { byId, el } from "./dom.js";

const KEY = "kura-masked";
const PAUSE_MS = 400;
const SHOWN_CHARS = 24;
// As this page writes them. The box writes 〔伏せた氏名1〕, which has no original here.
const MARK = /〔([^〔〕伏0-9]{1,12})([0-9]{1,4})〕/g;

const WHAT = {
  notice: "このまま送信できます",
  mask: "送信するときに伏せます",
  refuse: "このままでは送信できません",
};

let originals = load();
let panel = null;
let said = null;
let box = null;
let timer = 0;
let asked = 0;
let listed = { text: "", found: [] };

function load() {
  try {
    return new Map(JSON.parse(sessionStorage.getItem(KEY)) ?? []);
  } catch {
    return new Map();
  }
}

function save() {
  try {
    sessionStorage.setItem(KEY, JSON.stringify([...originals]));
  } catch {
    // Full or off: the table in memory is whole as long as the page is open.
  }
}

/** The mark of a value; the same value has the same one. */
function markOf(label, value) {
  for (const [mark, original] of originals) {
    if (original === value && mark.startsWith(`〔${label}`)) return mark;
  }
  let number = 1;
  while (originals.has(`〔${label}${number}〕`)) number += 1;
  const mark = `〔${label}${number}〕`;
  originals.set(mark, value);
  save();
  return mark;
}

/** A text with the originals where their marks stand, for this screen and its clipboard only. */
export const restored = (text) => text.replace(MARK, (mark) => originals.get(mark) ?? mark);

async function find(text) {
  if (text.trim() === "") return [];
  const response = await fetch("/api/personal", {
    method: "POST",
    headers: { "content-type": "application/json", accept: "application/json" },
    body: JSON.stringify({ text }),
  });
  return response.ok ? (await response.json()).found : [];
}

function masked(text, found) {
  let out = "";
  let at = 0;
  for (const each of found) {
    out += text.slice(at, each.start) + markOf(each.label, text.slice(each.start, each.end));
    at = each.end;
  }
  return out + text.slice(at);
}

/** The question as it may be sent, or `null` where the settings refuse it: then the list under the
 * box says what has to go. The box checks again whatever comes, so a check that failed here does
 * not let anything through. */
export async function cleared(text) {
  window.clearTimeout(timer);
  asked += 1;
  let found = [];
  try {
    found = await find(text);
  } catch {
    return text;
  }
  if (found.some((each) => each.handling === "refuse")) {
    draw(text, found);
    return null;
  }
  const clear = masked(text, found.filter((each) => each.handling === "mask"));
  if (box.value.trim() === text) {
    box.value = clear;
    draw(clear, await find(clear).catch(() => []));
  }
  return clear;
}

/** The same for a field that has no list under it: the text as it may be sent, and the kinds that are
 * refused. */
export async function screened(text) {
  const found = await find(text).catch(() => []);
  const refused = found.filter((each) => each.handling === "refuse").map((each) => each.label);
  return { text: masked(text, found.filter((each) => each.handling === "mask")), refused: [...new Set(refused)] };
}

function later() {
  window.clearTimeout(timer);
  timer = window.setTimeout(look, PAUSE_MS);
}

async function look() {
  const text = box.value;
  asked += 1;
  const mine = asked;
  const found = await find(text).catch(() => []);
  // Only the latest look counts, and only for the text that it saw.
  if (mine === asked && box.value === text) draw(text, found);
}

function put(text, focusOn) {
  box.value = text;
  box.dispatchEvent(new Event("input", { bubbles: true }));
  window.clearTimeout(timer);
  look().then(() => (panel.querySelector(focusOn) ?? box).focus());
}

function short(value) {
  const chars = [...value.replace(/\s+/g, " ")];
  return chars.length > SHOWN_CHARS ? `${chars.slice(0, SHOWN_CHARS).join("")}…` : chars.join("");
}

function foundItem(text, each) {
  const value = text.slice(each.start, each.end);
  const hide = () => put(masked(text, [each]), ".personal-hide, .personal-show");
  return el(
    "li",
    { class: "personal-item" },
    el("span", { class: "personal-kind" }, each.label),
    el("span", { class: "personal-value" }, short(value)),
    el("span", { class: `personal-what personal-what-${each.handling}` }, WHAT[each.handling]),
    el("button", { class: "button button-plain personal-hide", type: "button", "aria-label": `${each.label}「${short(value)}」を伏せる`, on: { click: hide } }, "伏せる"),
  );
}

function maskedItem(text, mark) {
  const show = () => put(text.replaceAll(mark, originals.get(mark)), ".personal-show, .personal-hide");
  return el(
    "li",
    { class: "personal-item" },
    el("span", { class: "personal-kind" }, mark),
    el("span", { class: "personal-value" }, short(originals.get(mark))),
    el("span", { class: "personal-what" }, "伏せました"),
    el("button", { class: "button button-plain personal-show", type: "button", "aria-label": `${mark}を元に戻す`, on: { click: show } }, "元に戻す"),
  );
}

function draw(text, found) {
  listed = { text, found };
  const marks = [...new Set([...text.matchAll(MARK)].map(([mark]) => mark))].filter((mark) => originals.has(mark));
  panel.hidden = found.length === 0 && marks.length === 0;
  const refused = found.some((each) => each.handling === "refuse");
  panel.classList.toggle("personal-refused", refused);
  if (panel.hidden) {
    panel.replaceChildren();
    said.replaceChildren();
    return;
  }
  const kinds = [...new Set(found.map((each) => each.label))].join("、");
  const title = found.length > 0 ? `個人情報が含まれています（${kinds}）` : "個人情報を伏せました";
  const foot = refused
    ? "送信するには、その部分を消すか、伏せてください。"
    : "伏せた値は、この画面（このタブ）だけに残ります。回答の画面には元の値を表示します。";
  const items = [...found.map((each) => foundItem(text, each)), ...marks.map((mark) => maskedItem(text, mark))];
  panel.replaceChildren(
    el("p", { class: "personal-title" }, title),
    el("ul", { class: "personal-list" }, ...items),
    el("p", { class: "personal-foot" }, foot),
  );
  const heard = `${title}。${refused ? "このままでは送信できません。" : ""}`;
  if (said.textContent !== heard) said.replaceChildren(heard);
}

/** Puts originals back in the text nodes below a node. */
function restore(node) {
  if (originals.size === 0) return;
  const walker = document.createTreeWalker(node, NodeFilter.SHOW_TEXT);
  const texts = node.nodeType === Node.TEXT_NODE ? [node] : [];
  while (walker.nextNode()) texts.push(walker.currentNode);
  for (const text of texts) {
    if (panel?.contains(text) || text.parentElement?.closest("textarea, script, style, .unmasked")) continue;
    const parts = text.data.split(/(〔[^〔〕]{1,16}〕)/);
    if (!parts.some((part) => originals.has(part))) continue;
    const shown = (part) => el("span", { class: "unmasked", title: `送信時は${part}` }, originals.get(part));
    const nodes = parts.filter((part) => part !== "").map((part) => (originals.has(part) ? shown(part) : part));
    text.replaceWith(...nodes);
  }
}

function forget() {
  originals = new Map();
  save();
  draw(box.value, listed.found);
}

/** Wires the question box and everything that shows an answer. */
export function setUpPersonal() {
  box = byId("question");
  panel = el("div", { id: "personal", class: "personal", hidden: true });
  said = el("p", { class: "visually-hidden", role: "status" });
  byId("question-error").after(panel, said);
  box.addEventListener("input", later);
  byId("history-clear")?.addEventListener("click", forget);
  showOriginals();
  if (box.value.trim() !== "") later();
}

/** From now on originals stand on the page where their marks were sent. */
export function showOriginals() {
  const shown = { childList: true, characterData: true, subtree: true };
  new MutationObserver((changes) => {
    for (const change of changes) {
      if (change.type === "characterData") restore(change.target);
      for (const node of change.addedNodes) restore(node);
    }
  }).observe(document.body, shown);
  restore(document.body);
}
