// The page of comparison: one question, two choices of data, both answers as they come.

import { AnswerView } from "./answer.js";
import { Choice } from "./choice.js";
import { byId, complain, el } from "./dom.js";
import { japaneseDate } from "./format.js";
import { broughtQuestion } from "./handover.js";
import { openPassage, setUpPassage } from "./passage.js";
import { cleared, setUpPersonal } from "./personal.js";
import { AskError, events } from "./stream.js";

const NAMES = { left: "条件A", right: "条件B" };
const SIDES = Object.keys(NAMES);
const BROKEN = "比較の途中で機器との接続が切れました。もう一度お試しください。";

const form = byId("compare");
const question = byId("question");
const send = byId("send");
const result = byId("result");
const live = el("p", { class: "visually-hidden", role: "status" });
const choices = {};
let running = null;

/** One side of the result. */
class Side {
  constructor(side, asked, onStop) {
    this.name = NAMES[side];
    this.entry = { question: asked, sources: [], excerpt: [], text: "", summary: null, state: "running", message: "" };
    this.view = new AnswerView(this.entry, { onStop, onRetry: () => ask(asked) });
    this.words = choices[side].words();
    this.label();
    this.view.say("資料を調べています…");
  }

  /** Two answers on a page: what they hold is told apart by name. */
  label() {
    const { element } = this.view;
    element.setAttribute("aria-label", this.name);
    element.querySelector(".answer-title").replaceChildren(`${this.name}：${this.words}`);
    for (const part of element.querySelectorAll("section[aria-label]")) {
      const label = part.getAttribute("aria-label");
      if (!label.startsWith(this.name)) part.setAttribute("aria-label", `${this.name}の${label}`);
    }
  }

  take(event) {
    const { entry, view } = this;
    if (event.type === "sources") {
      entry.sources = event.sources;
      entry.excerpt = event.excerpt;
      view.update();
      view.say("回答を作成しています…");
    } else if (event.type === "queued") {
      view.say(event.place > 0 ? `順番待ち：あと${event.place}人` : "まもなく回答を始めます…");
    } else if (event.type === "text") {
      entry.text += event.text;
      view.append(event.text);
    } else if (event.type === "finished") {
      entry.summary = event.summary;
      this.end(event.summary.finish === "cancelled" ? "stopped" : "done");
    } else if (event.type === "failed") {
      entry.message = event.message;
      this.end("failed");
    }
    this.label();
  }

  end(state) {
    if (this.entry.state !== "running") return;
    this.entry.state = state;
    this.view.update();
    this.label();
  }

  /** The answer again, with what the other does not have marked. */
  mark(side, stretches) {
    const { view } = this;
    view.text.replaceChildren();
    for (const stretch of stretches) {
      const place = stretch.changed ? changed(side) : view.text;
      if (place !== view.text) view.text.append(place);
      view.writeTo(place, stretch.text);
    }
  }
}

/** A stretch that one side has alone, marked by line and word, not by colour alone. */
function changed(side, ...content) {
  const [name, word] = side === "left" ? ["del", "削除："] : ["ins", "追加："];
  return el(name, {}, el("span", { class: "visually-hidden" }, word), ...content);
}

async function ask(text) {
  if (running) return;
  if (text.trim() === "") {
    complain("質問を入力してください。");
    return;
  }
  complain("");
  const asked = await cleared(text.trim());
  if (asked === null) {
    complain("送信できない個人情報が含まれています。下の一覧を確かめてください。");
    return;
  }
  if (running) return;
  running = new AbortController();
  send.setAttribute("aria-disabled", "true");
  send.replaceChildren("比較中");
  const sides = Object.fromEntries(SIDES.map((side) => [side, new Side(side, asked, () => running?.abort())]));
  const columns = el("div", { class: "compare-columns" }, ...SIDES.map((side) => sides[side].view.element));
  const foot = el("div", { class: "compare-foot" });
  result.replaceChildren(columns, foot);
  result.scrollIntoView({ block: "nearest" });
  live.replaceChildren("2つの条件で調べています…");
  const request = { question: asked, left: choices.left.selection(), right: choices.right.selection() };
  try {
    for await (const event of events("/api/compare", request, running.signal, BROKEN)) {
      if (event.type === "side") sides[event.side].take(event.event);
      else if (event.comparison) show(sides, event.comparison, columns, foot);
      else live.replaceChildren("一方の回答を作成できなかったため、比較は表示していません。");
    }
  } catch (error) {
    end(sides, error);
  } finally {
    running = null;
    send.removeAttribute("aria-disabled");
    send.replaceChildren("比べる");
  }
}

/** The reader stopped it, or it was refused or broke off. */
function end(sides, error) {
  if (error.name === "AbortError") {
    for (const side of SIDES) sides[side].end("stopped");
    live.replaceChildren("比較を停止しました。");
    return;
  }
  const message = error instanceof AskError ? error.message : `画面の処理で問題が起きました（${error.message}）。`;
  if (SIDES.every((side) => sides[side].entry.sources.length === 0 && sides[side].entry.text === "")) {
    result.replaceChildren();
    complain(message);
    return;
  }
  for (const side of SIDES) {
    sides[side].entry.message = message;
    sides[side].end("failed");
  }
  live.replaceChildren(message);
}

function show(sides, comparison, columns, foot) {
  SIDES.forEach((side, at) => sides[side].mark(side, comparison.answers[at]));
  columns.before(
    el("p", { class: "compare-legend" }, "印の見方：", el("del", {}, "削除"), "は条件Aだけにある語句、", el("ins", {}, "追加"), "は条件Bだけにある語句です。"),
  );
  const same = "2つの回答は、出典番号を除いて同じ内容です。";
  if (comparison.same_answer) columns.before(el("p", { class: "done" }, same));
  const rows = comparison.pairs.map((pair) => pairRow(pair, sides));
  if (rows.length > 0) {
    foot.replaceChildren(
      el("section", { class: "pairs", "aria-labelledby": "pairs-title" }, el("h2", { id: "pairs-title" }, "根拠になる文の比較"), el("ol", { class: "pair-list" }, ...rows)),
    );
  }
  live.replaceChildren(comparison.same_answer ? `比較ができました。${same}` : "比較ができました。違うところに、削除・追加の印を付けました。");
}

function pairRow(pair, sides) {
  const columns = SIDES.map((side, at) => pairSide(side, pair.sides[at], sides[side].entry));
  const same = pair.same && el("p", { class: "pair-same" }, el("span", { class: "badge" }, "同じ文"));
  return el("li", { class: "pair" }, same, el("div", { class: "compare-columns" }, ...columns));
}

function pairSide(side, sentence, entry) {
  const name = el("h3", { class: "pair-name" }, NAMES[side]);
  if (!sentence) return el("div", { class: "pair-side" }, name, el("p", { class: "pair-none" }, "対応する文は見つかりませんでした。"));
  const text = sentence.text.map((stretch) => (stretch.changed ? changed(side, stretch.text) : stretch.text));
  const source = entry.sources.find((each) => each.number === sentence.number);
  const open = source
    ? el("button", { class: "button-text", type: "button", "aria-haspopup": "dialog", on: { click: () => openPassage(source) } }, `[${sentence.number}] ${sentence.citation}`)
    : `[${sentence.number}] ${sentence.citation}`;
  return el(
    "div",
    { class: "pair-side" },
    name,
    el("blockquote", { class: "difference-text" }, ...text),
    el(
      "p",
      { class: "difference-source" },
      open,
      " ",
      el("span", { class: "badge" }, sentence.authority_label),
      " ",
      el("span", { class: `badge badge-${sentence.scope}` }, sentence.scope_label),
      `　基準日 ${japaneseDate(sentence.as_of)}`,
    ),
  );
}

function setUp() {
  document.body.append(live);
  setUpPassage(() => live.replaceChildren());
  for (const side of SIDES) {
    const say = (choice) => byId(`${side}.words`).replaceChildren(choice.words());
    choices[side] = new Choice(`${side}.`, say);
    say(choices[side]);
  }
  form.addEventListener("submit", (event) => {
    // What fills the form with another comparison is left to the appliance.
    if (event.submitter?.name === "preset") return;
    event.preventDefault();
    ask(question.value);
  });
  form.noValidate = true;
  question.value ||= broughtQuestion();
  setUpPersonal();
  question.addEventListener("keydown", (event) => {
    // Enter that confirms an IME conversion is reported as key 229 by some browsers.
    if (event.key !== "Enter" || event.isComposing || event.keyCode === 229) return;
    if (event.shiftKey || event.altKey) return;
    event.preventDefault();
    ask(question.value);
  });
  document.documentElement.dataset.ready = "true";
}

setUp();
