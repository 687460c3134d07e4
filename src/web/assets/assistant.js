// The page of one assistant: its fields go out, what is written comes as a stream, then the checks.

import { AnswerView } from "./answer.js";
import { copyText } from "./copy.js";
import { byId, el } from "./dom.js";
import { spokenAnswer } from "./format.js";
import { setUpPassage } from "./passage.js";
import { restored, screened, showOriginals } from "./personal.js";
import { AskError, events, refusal } from "./stream.js";

const BROKEN = "作成の途中で機器との接続が切れました。もう一度お試しください。";

// Fields for so many characters can be filled from a file.
const FILE_CHARS = 5000;

const form = byId("assist");
const send = byId("send");
const place = byId("answer");
const live = el("p", { class: "visually-hidden", role: "status" });
let running = null;

/** The fields by their ids. */
function inputs() {
  const values = {};
  for (const [name, value] of new FormData(form)) {
    if (name.startsWith("input-") && value !== "") values[name.slice("input-".length)] = value;
  }
  return values;
}

/** What was asked, in a line above the answer. */
function asked(values) {
  const text = Object.values(values).join(" / ").replace(/\s+/g, " ");
  const shown = [...text];
  return shown.length > 80 ? `${shown.slice(0, 80).join("")}…` : text;
}

/** Shows under each field what the browser finds wrong with it; true when nothing is. */
function complete() {
  let first = null;
  for (const input of form.querySelectorAll("[name^=input-]")) {
    const error = byId(`error-${input.name.slice("input-".length)}`);
    const blank = input.required && input.value.trim() === "";
    const message = blank ? "入力してください。" : input.validationMessage;
    error.hidden = message === "";
    error.replaceChildren(message);
    input.toggleAttribute("aria-invalid", false);
    if (message !== "") {
      input.setAttribute("aria-invalid", "true");
      first ??= input;
    }
  }
  first?.focus();
  return first === null;
}

/** The values as they may be sent: personal data is masked, or named under its field, and `null`. */
async function cleared(values) {
  const clear = {};
  let first = null;
  for (const [id, value] of Object.entries(values)) {
    const { text, refused } = await screened(value);
    clear[id] = text;
    if (refused.length === 0) continue;
    const error = byId(`error-${id}`);
    error.hidden = false;
    error.replaceChildren(`個人情報（${refused.join("、")}）が含まれているため、送信できません。その部分を消してください。`);
    first ??= byId(`input-${id}`);
    byId(`input-${id}`).setAttribute("aria-invalid", "true");
  }
  first?.focus();
  return first === null ? clear : null;
}

/** A button beside each long field that fills it from a file; the file is read and not kept. */
function takesFiles(field) {
  const chosen = el("input", { type: "file", class: "visually-hidden", tabindex: "-1", "aria-hidden": "true" });
  const said = el("span", { class: "hint", role: "status" });
  const label = field.labels[0].firstChild.textContent;
  const button = el("button", { class: "button-text", type: "button" }, "ファイルから入れる", el("span", { class: "visually-hidden" }, `：${label}`));
  button.addEventListener("click", () => chosen.click());
  chosen.addEventListener("change", async () => {
    const [file] = chosen.files;
    chosen.value = "";
    if (!file) return;
    said.replaceChildren(`「${file.name}」を読み取っています…`);
    said.replaceChildren(await fill(field, file));
  });
  field.after(el("p", { class: "field-file" }, button, chosen, said));
}

/** Puts the text of a file into a field; gives what there is to say. */
async function fill(field, file) {
  const form = new FormData();
  form.append("file", file, file.name);
  try {
    const response = await fetch("/api/uploads/text", { method: "POST", body: form, headers: { accept: "application/json" } });
    if (response.status === 404) return "この機器では、ファイルを受け付けていません。";
    if (!response.ok) return `「${file.name}」：${(await refusal(response)).message}`;
    const { name, text, notes } = await response.json();
    const whole = field.value.trim() === "" ? text : `${field.value.trimEnd()}\n\n${text}`;
    if (whole.length > field.maxLength) {
      return `「${name}」は${text.length}文字です。この欄は${field.maxLength}文字までなので、必要な部分だけを貼り付けてください。`;
    }
    field.value = whole;
    field.dispatchEvent(new Event("input", { bubbles: true }));
    return [`「${name}」を読み取りました（${text.length}文字）。`, ...notes].join(" ");
  } catch {
    return "機器につながりません。ネットワークを確かめて、もう一度お試しください。";
  }
}

function complain(message) {
  const error = byId("assist-error");
  error.hidden = message === "";
  error.replaceChildren(message);
}

async function run() {
  if (running || !complete()) return;
  complain("");
  running = new AbortController();
  const values = await cleared(inputs());
  if (values === null) {
    running = null;
    return;
  }
  const entry = { question: asked(values), sources: [], excerpt: [], text: "", summary: null, state: "running", message: "" };
  const view = new AnswerView(entry, { onStop: () => running?.abort(), onRetry: run });
  view.element.querySelector(".answer-title").replaceChildren("できた文章");
  view.element.querySelector(".asked-label").replaceChildren("入力");
  const after = el("div", {});
  place.replaceChildren(view.element, after);
  place.scrollIntoView({ block: "nearest" });
  send.setAttribute("aria-disabled", "true");
  send.replaceChildren("作成中");
  const say = (message, spoken = message) => {
    view.say(message);
    live.replaceChildren(spoken);
  };
  say("作成しています…");
  try {
    const path = `/api/assistants/${encodeURIComponent(form.dataset.id)}/run`;
    for await (const event of events(path, { inputs: values }, running.signal, BROKEN)) take(entry, view, say, event);
  } catch (error) {
    entry.state = error.name === "AbortError" ? "stopped" : "failed";
    entry.message = error instanceof AskError ? error.message : `画面の処理で問題が起きました（${error.message}）。`;
    say(entry.state === "stopped" ? "作成を停止しました。" : entry.message);
  } finally {
    running = null;
    send.removeAttribute("aria-disabled");
    send.replaceChildren("作成する");
    const stopFocused = document.activeElement === view.stop;
    view.update();
    after.replaceChildren(...results(entry));
    if (stopFocused) place.focus();
  }
}

function take(entry, view, say, event) {
  if (event.type === "sources") {
    entry.sources = event.sources;
    entry.excerpt = event.excerpt;
    view.update();
    if (event.sources.length > 0) say(`該当箇所が${event.sources.length}件見つかりました。作成しています…`);
  } else if (event.type === "queued") {
    say(event.place > 0 ? `順番待ち：あと${event.place}人` : "まもなく作成を始めます…");
  } else if (event.type === "progress") {
    const left = event.done < event.parts ? `${event.done + 1}個目を処理しています…` : "まとめています…";
    say(`長い文章を${event.parts}個に分けました。${left}`);
  } else if (event.type === "text") {
    entry.text += event.text;
    view.append(event.text);
  } else if (event.type === "finished") {
    entry.summary = event.summary;
    entry.state = event.summary.finish === "cancelled" ? "stopped" : "done";
    const checks = event.summary.checks ?? [];
    const bad = checks.filter((check) => !check.passed);
    const told = bad.length > 0 ? `要確認が${bad.length}件あります：${bad.map((check) => check.label).join("、")}。` : "";
    say("できました。", spokenAnswer(entry, `できました。${told}`));
  } else if (event.type === "failed") {
    entry.state = "failed";
    entry.message = event.message;
    say(event.message);
  }
}

/** Below the answer: a table where one was written, how the checks came out, and the text to copy. */
function results(entry) {
  const parts = [];
  const checks = entry.summary?.checks ?? [];
  const rows = table(entry.text);
  if (rows.length > 1) parts.push(tableOf(rows));
  if (checks.length > 0) {
    parts.push(
      el(
        "section",
        { class: "checks", "aria-labelledby": "checks-title" },
        el("h2", { id: "checks-title", class: "checks-title" }, "確認の結果"),
        el("ul", { class: "check-list" }, ...checks.map(checkItem)),
        el("p", { class: "hint" }, "機械による確認です。内容が正しいかどうかは、職員が確かめてください。"),
      ),
    );
  }
  if (entry.text.trim() !== "") parts.push(copyPart(entry));
  return parts;
}

function checkItem({ label, passed, detail }) {
  return el(
    "li",
    { class: passed ? "check check-good" : "check check-bad" },
    el("span", { class: "check-state" }, passed ? "適合" : "要確認"),
    el("span", { class: "check-what" }, label, detail !== "" && el("span", { class: "check-detail" }, detail)),
  );
}

function copyPart(entry) {
  const said = el("span", { class: "hint", role: "status" });
  const copy = async () => {
    const copied = await copyText(restored(entry.text).replace(/\[\d{1,3}\]/g, "").trim());
    said.replaceChildren(copied ? "コピーしました" : "コピーできませんでした。文章を選んでコピーしてください。");
  };
  const button = el("button", { id: "copy-body", class: "button", type: "button", on: { click: copy } }, "本文だけコピー");
  return el("div", { class: "answer-actions" }, button, said);
}

/** The cells of lines that are written with |, without the line under the head. */
function table(text) {
  const lines = text.split("\n").filter((line) => line.trim().startsWith("|"));
  const cells = lines.map((line) => line.trim().replace(/^\||\|$/g, "").split("|").map((cell) => cell.trim()));
  return cells.filter((row) => row.length > 1 && !row.every((cell) => /^:?-+:?$/.test(cell)));
}

function tableOf([head, ...rows]) {
  const heads = head.map((cell) => el("th", { scope: "col" }, cell));
  const lines = rows.map((row) => el("tr", {}, ...row.map((cell) => el("td", {}, cell))));
  const shown = el("table", {}, el("thead", {}, el("tr", {}, ...heads)), el("tbody", {}, ...lines));
  return el("div", { class: "table-wrap made-table", tabindex: "0", role: "region", "aria-label": "表で見る" }, shown);
}

function setUp() {
  document.body.append(live);
  setUpPassage(() => live.replaceChildren());
  const long = (field) => field.maxLength >= FILE_CHARS;
  [...form.querySelectorAll("textarea")].filter(long).forEach(takesFiles);
  showOriginals();
  form.noValidate = true;
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    run();
  });
  document.documentElement.dataset.ready = "true";
}

setUp();
