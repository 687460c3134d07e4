// The page: wires the question box, the data sets, the answer and the history.

import { AnswerView } from "./answer.js";
import { setUpChoice } from "./choice.js";
import { byId, complain, el } from "./dom.js";
import { now, spokenAnswer } from "./format.js";
import { History } from "./history.js";
import { setUpPassage } from "./passage.js";
import { cleared, setUpPersonal } from "./personal.js";
import { AskError, answerEvents, fetchJson } from "./stream.js";
import { Talks, began, goesOn, keepsTalks } from "./talks.js";
import { setUpUploads, usesUploads, withoutUploads } from "./uploads.js";

const form = byId("ask");
const question = byId("question");
const send = byId("send");
const place = byId("answer");
const live = el("p", { class: "visually-hidden", role: "status" });
const views = new Map();
const history = keepsTalks() ? new Talks(startAnew) : new History(show);
let running = null;
let choice = null;

// Height of an answer's beginning that can be read without scrolling, in CSS pixels.
const SHOWN_LEAST = 300;

function startAnew() {
  withoutUploads();
  if (!running) place.replaceChildren();
}

function ticks() {
  return [...document.querySelectorAll("input[name=datasets]")];
}

function viewOf(entry) {
  if (!views.has(entry)) {
    views.set(entry, new AnswerView(entry, { onStop: stop, onRetry: () => ask(entry.question) }));
  }
  return views.get(entry);
}

function show(entry) {
  history.show(entry);
  place.replaceChildren(viewOf(entry).element);
  const shown = window.innerHeight - place.getBoundingClientRect().top;
  // Where hardly anything of it would show, as on a phone, the answer begins at the top.
  place.scrollIntoView({ block: shown < SHOWN_LEAST ? "start" : "nearest" });
}

/** What is said once to everybody: on the answer and to a screen reader, which may hear more. */
function say(entry, message, spoken = message) {
  viewOf(entry).say(message);
  live.replaceChildren(spoken);
}

async function ask(text) {
  if (running) return undefined;
  const asked = text.trim();
  if (asked === "") return complain("質問を入力してください。");
  const chosen = ticks().filter((tick) => tick.checked);
  if (ticks().length > 0 && chosen.length === 0) {
    const message = "使うデータセットを1つ以上選んでください。";
    complain(message);
    byId("datasets").open = true;
    ticks()[0].focus();
    // The message describes the question box, which the focus has just left.
    live.replaceChildren(message);
    return undefined;
  }
  complain("");
  const clear = await cleared(asked);
  if (clear === null) return complain("送信できない個人情報が含まれています。下の一覧を確かめてください。");
  if (running) return undefined;
  const selection = choice.selection();
  const time = new Date().toLocaleTimeString("ja-JP", { hour: "2-digit", minute: "2-digit" });
  const entry = { question: clear, selection, datasets: selection.datasets ?? null, time, sources: [], excerpt: [], text: "", summary: null, state: "running", message: "" };
  return follow(entry);
}

/** Runs one answer from the question to its end, whatever the end is. */
async function follow(entry) {
  running = new AbortController();
  send.setAttribute("aria-disabled", "true");
  send.replaceChildren("回答を作成中");
  history.add(entry);
  show(entry);
  say(entry, "資料を調べています…");
  try {
    const request = { question: entry.question, ...entry.selection, ...goesOn(), ...usesUploads() };
    for await (const event of answerEvents(request, running.signal)) take(entry, event);
  } catch (error) {
    await end(entry, error);
  } finally {
    running = null;
    send.removeAttribute("aria-disabled");
    send.replaceChildren("質問する");
    const stopFocused = document.activeElement === viewOf(entry).stop;
    viewOf(entry).update();
    if (stopFocused) place.focus();
    history.save();
    history.draw();
  }
}

function take(entry, event) {
  const view = viewOf(entry);
  if (event.type === "conversation") {
    began(event.id, entry.question);
  } else if (event.type === "sources") {
    entry.sources = event.sources;
    entry.excerpt = event.excerpt;
    view.update();
    const shown = event.excerpt.length > 0 ? "該当箇所の抜き出しを表示しました。" : "";
    say(entry, `該当箇所が${event.sources.length}件見つかりました。${shown}回答を作成しています…`);
  } else if (event.type === "queued") {
    say(entry, event.place > 0 ? `順番待ち：あと${event.place}人` : "まもなく回答を始めます…");
  } else if (event.type === "text") {
    entry.text += event.text;
    view.append(event.text);
  } else if (event.type === "finished") {
    entry.summary = event.summary;
    entry.state = event.summary.finish === "cancelled" ? "stopped" : "done";
    const message = outcome(event.summary);
    say(entry, message, spokenAnswer(entry, message));
  } else if (event.type === "failed") {
    entry.state = "failed";
    entry.message = event.message;
    say(entry, event.message);
  }
}

function outcome(summary) {
  if (summary.finish === "cancelled") return "回答の作成を停止しました。";
  if (summary.kind === "not-found") return "該当する資料は見つかりませんでした。";
  return `回答ができました。出典は${summary.cited.length}件です。`;
}

/** The reader stopped it, or it broke off before the appliance could say how it ended. */
async function end(entry, error) {
  if (error.name === "AbortError") {
    entry.state = "stopped";
    entry.summary = await summaryOfStopped(entry);
    say(entry, "回答の作成を停止しました。");
    return;
  }
  entry.state = "failed";
  entry.message = error instanceof AskError ? error.message : `画面の処理で問題が起きました（${error.message}）。`;
  say(entry, entry.message);
}

/** A stopped answer carries what is known of its making. */
async function summaryOfStopped(entry) {
  const models = (await fetchJson("/api/models"))?.models ?? [];
  const datasets = (await fetchJson("/api/datasets"))?.datasets ?? [];
  const used = datasets.filter((each) => !entry.datasets || entry.datasets.includes(each.id));
  return {
    kind: "generated",
    finish: "stop",
    citations_removed: 0,
    cited: [...new Set([...entry.text.matchAll(/\[(\d{1,3})\]/g)].map((match) => Number(match[1])))],
    notes: [],
    selection: entry.selection,
    provenance: {
      model: models.find((model) => model.current) ?? null,
      datasets: used,
      kura_version: document.querySelector(".site-footer-version").textContent.replace("kura ", ""),
      created_at: now(),
    },
  };
}

function stop() {
  running?.abort();
}

/** Enter sends, unless it confirms an IME conversion (which some browsers report as key 229). */
function onKey(event) {
  if (event.key !== "Enter" || event.isComposing || event.keyCode === 229) return;
  if (event.shiftKey || event.altKey) return;
  event.preventDefault();
  ask(question.value);
}

function countDatasets() {
  const all = ticks();
  const chosen = all.filter((tick) => tick.checked).length;
  if (all.length > 0) byId("datasets-count").replaceChildren(`${all.length}件中${chosen}件`);
}

function tickAll(checked) {
  for (const tick of ticks()) tick.checked = checked;
  choice.changed();
  countDatasets();
}

async function checkHealth() {
  const status = await fetchJson("/api/status");
  if (status === null) {
    byId("banner").replaceChildren(el("p", { class: "banner" }, "いま機器につながりません。つながると、この表示は消えます。"));
  } else {
    byId("banner").replaceChildren(...(status.banner ? [el("p", { class: "banner" }, status.banner)] : []));
  }
}

function setUp() {
  document.body.append(live);
  // What was announced would be announced again when the page comes back from behind the dialog.
  setUpPersonal();
  setUpUploads(() => history.save());
  setUpPassage(() => live.replaceChildren());
  byId("question-keys").hidden = false;
  question.setAttribute("aria-describedby", "question-hint question-keys question-error");
  form.noValidate = true;
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    ask(question.value);
  });
  question.addEventListener("keydown", onKey);
  question.addEventListener("input", () => question.value.trim() !== "" && complain(""));
  byId("samples")?.addEventListener("submit", (event) => {
    event.preventDefault();
    question.value = event.submitter.value;
    ask(question.value);
  });
  if (ticks().length > 0) {
    byId("datasets-tools").hidden = false;
    byId("datasets-all").addEventListener("click", () => tickAll(true));
    byId("datasets-none").addEventListener("click", () => tickAll(false));
    for (const tick of ticks()) tick.addEventListener("change", countDatasets);
    countDatasets();
  }
  choice = setUpChoice();
  if (ticks().length > 0) countDatasets();
  if (!window.matchMedia("(min-width: 68rem)").matches) byId("datasets").open = false;
  history.draw();
  window.setInterval(() => document.visibilityState === "visible" && checkHealth(), 60000);
  window.addEventListener("offline", checkHealth);
  document.documentElement.dataset.ready = "true";
}

setUp();
