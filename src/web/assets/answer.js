// One answer on the page: it grows while the events come, and stands afterwards.

import { copyText } from "./copy.js";
import { byId, el } from "./dom.js";
import { KINDS, japaneseDate, notes, place, plainText, provenanceRows, sortedSources } from "./format.js";
import { compareLink } from "./handover.js";
import { byLayer, differences, layeredText, otherNotes } from "./layers.js";
import { forReference, notFoundPart } from "./not_found.js";
import { badges, marked, openPassage, warnings } from "./passage.js";
import { restored } from "./personal.js";
import { recordParts, recordText } from "./record.js";
import { labelUnconfirmed } from "./unconfirmed.js";

const CITATION = /\[(\d{1,3})\]/g;
// The end of a piece of text that may be the beginning of a citation, with the character before
// it, on whose line the number has to stay.
const OPEN_CITATION = /(?:[^[\]]?\[\d{0,3}|[^[\]])$/u;

/** Shows `entry` = {question, sources, excerpt, text, summary, state, message} and follows it. */
export class AnswerView {
  constructor(entry, { onStop, onRetry }) {
    this.entry = entry;
    this.onRetry = onRetry;
    this.held = "";
    this.badge = el("span", { class: "badge badge-kind" });
    this.status = el("span", { class: "answer-status" });
    this.stop = el("button", { class: "button button-plain button-stop", type: "button", on: { click: onStop } }, "停止");
    this.progress = el("div", { class: "answer-progress" }, this.status, this.stop);
    this.excerpt = el("section", { class: "excerpt", "aria-label": "該当箇所の抜き出し", hidden: true });
    this.text = el("div", { class: "answer-text" });
    this.place = this.text;
    this.after = el("div", { class: "answer-after" });
    this.main = el("div", { class: "answer-main" }, this.excerpt, this.text, this.after);
    this.made = el("div", { class: "answer-made" });
    this.sources = el("section", { class: "sources", "aria-label": "出典" });
    this.columns = el("div", { class: "answer-columns" }, this.main, this.sources, this.made);
    this.element = el(
      "article",
      { class: "answer" },
      el("header", { class: "answer-head" }, el("h2", { class: "answer-title" }, "回答"), this.badge),
      el("p", { class: "asked" }, el("span", { class: "asked-label" }, "質問"), el("span", {}, entry.question)),
      this.progress,
      this.columns,
    );
    this.append(entry.text);
    this.update();
  }

  /** Says what is going on; shown with a turning mark while work goes on. */
  say(message) {
    this.status.replaceChildren(message);
  }

  /** Shows the sentences that fit best, as long as there is no answer. */
  drawExcerpt() {
    const { excerpt = [], sources, state, text } = this.entry;
    if (text !== "" || state === "done") return this.hideExcerpt();
    const lines = excerpt.map(({ number, text }) => {
      const source = sources.find((each) => each.number === number);
      return el("li", {}, el("q", { class: "excerpt-text" }, text), source && citation(source));
    });
    this.excerpt.replaceChildren(
      el("h3", { class: "excerpt-title" }, "該当箇所の抜き出し"),
      el("p", { class: "excerpt-note" }, `資料の文をそのまま示しています。${state === "running" ? "回答ができしだい、ここに表示します。" : ""}`),
      el("ul", { class: "excerpt-list" }, ...lines),
    );
    this.excerpt.hidden = lines.length === 0;
    return undefined;
  }

  /** The answer takes the excerpt's place, which keeps its height: what is below does not move. */
  hideExcerpt() {
    if (this.excerpt.hidden) return;
    const focused = this.excerpt.contains(document.activeElement);
    this.main.style.minHeight = `${this.main.getBoundingClientRect().height}px`;
    this.excerpt.hidden = true;
    this.excerpt.replaceChildren();
    if (focused) byId("answer").focus();
  }

  /** More text. What may be half a citation waits for its other half. */
  append(text) {
    if (text !== "") this.hideExcerpt();
    const ready = this.held + text;
    const open = OPEN_CITATION.exec(ready);
    this.held = open ? open[0] : "";
    this.write(open ? ready.slice(0, open.index) : ready);
  }

  /** Brings everything but the text in line with the entry. */
  update() {
    const { entry } = this;
    const running = entry.state === "running";
    this.progress.hidden = !running;
    this.status.classList.toggle("working", running);
    this.element.setAttribute("aria-busy", String(running));
    const kind = KINDS[entry.summary?.kind];
    this.badge.hidden = !kind;
    this.badge.replaceChildren(kind ?? "");
    this.drawExcerpt();
    if (!running) {
      this.write(this.held);
      this.held = "";
      this.drawLayers();
    }
    this.after.replaceChildren(...(running ? [] : this.afterText()));
    this.made.replaceChildren(...(entry.summary ? [provenance(entry.summary)] : []));
    this.sources.replaceChildren(...this.sourceLists());
    this.sources.hidden = entry.sources.length === 0;
  }

  /** A finished answer on both layers stands by layer. */
  drawLayers() {
    const layers = layeredText(this.entry, (place, text) => this.writeTo(place, text));
    if (layers.length > 0) this.text.replaceChildren(...layers);
  }

  /** Writes into another place than the end of the answer. */
  writeTo(place, text) {
    this.place = place;
    this.write(text);
    this.place = this.text;
  }

  write(text) {
    let at = 0;
    for (const match of text.matchAll(CITATION)) {
      const source = this.entry.sources.find((each) => each.number === Number(match[1]));
      if (!source) continue;
      const before = [...text.slice(at, match.index)];
      // The number stays on the line of the character before it.
      const last = before.length > 0 && before.at(-1) !== "\n" ? before.pop() : "";
      this.writeText(before.join(""));
      this.place.append(el("span", { class: "kept" }, last, citation(source)));
      at = match.index + match[0].length;
    }
    this.writeText(text.slice(at));
  }

  /** One text node between two citations: screen readers stop at the border of every node. */
  writeText(text) {
    const last = this.place.lastChild;
    if (last?.nodeType === Node.TEXT_NODE) last.appendData(text);
    else if (text !== "") this.place.append(text);
    labelUnconfirmed(this.place);
  }

  afterText() {
    const { entry } = this;
    const parts = [];
    if (entry.state === "failed") parts.push(this.failure());
    parts.push(...differences(entry, citation));
    parts.push(...otherNotes(entry, notes(entry)).map((note) => el("p", { class: "note" }, note)));
    if (entry.summary?.kind === "not-found") parts.push(entry.summary.not_found ? notFoundPart(entry.summary.not_found) : advice());
    if (entry.summary) parts.push(this.actions());
    return parts;
  }

  failure() {
    const retry = el("button", { class: "button button-plain", type: "button", on: { click: this.onRetry } }, "もう一度試す");
    return el("div", { class: "failure" }, el("p", {}, this.entry.message), retry);
  }

  actions() {
    const said = el("span", { class: "hint", role: "status" });
    const copy = async () => {
      const copied = await copyText(restored((await recordText(this.entry)) ?? plainText(this.entry)));
      said.replaceChildren(copied ? "コピーしました" : "コピーできませんでした。文章を選んでコピーしてください。");
    };
    const button = el("button", { class: "button button-plain", type: "button", on: { click: copy } }, "出典・生成情報つきでコピー");
    return el("div", { class: "answer-actions" }, button, ...recordParts(this.entry), compareLink(this.entry), said);
  }

  sourceLists() {
    const { entry } = this;
    if (entry.sources.length === 0) return [];
    if (entry.state === "running") {
      return [heading(`見つかった該当箇所 ${entry.sources.length}件`), ...lists(entry.sources)];
    }
    const { cited, others } = sortedSources(entry);
    if (entry.summary?.kind === "not-found") return [forReference(others.length, list(others, false))];
    if (cited.length === 0) return [heading("関係がありそうな該当箇所"), ...lists(others, false)];
    const parts = [heading(`出典 ${cited.length}件`), ...lists(cited)];
    if (others.length > 0) {
      const summary = el("summary", {}, `回答に使わなかった該当箇所 ${others.length}件`);
      parts.push(el("details", { class: "sources-more" }, summary, ...lists(others, false)));
    }
    return parts;
  }
}

function citation(source) {
  const label = `[${source.number}] 出典を開く：${source.citation}`;
  const open = () => openPassage(source);
  return el("button", { class: "cite", type: "button", "aria-label": label, "aria-haspopup": "dialog", on: { click: open } }, String(source.number));
}

const heading = (text) => el("h3", { class: "sources-title" }, text);

/** Sources under the title of their layer. */
const lists = (sources, cited = true) =>
  byLayer(sources).flatMap((layer) => [el("h4", { class: "layer-title" }, layer.title), list(layer.sources, cited)]);

const list = (sources, cited = true) => el("ol", { class: "source-list" }, ...sources.map((source) => sourceItem(source, cited)));

function sourceItem(source, cited) {
  const open = el(
    "button",
    { class: "source-open", type: "button", "aria-haspopup": "dialog", on: { click: () => openPassage(source) } },
    el("span", { class: "source-number" }, String(source.number)),
    el("span", { class: "source-name" }, source.citation),
  );
  return el(
    "li",
    { class: cited ? "source" : "source source-uncited" },
    open,
    el("p", { class: "source-snippet" }, ...marked(source.snippet, source.highlights)),
    badges(source),
    ...warnings(source),
    el("p", { class: "source-meta" }, `${source.dataset.title}　基準日 ${japaneseDate(source.passage.as_of)}${source.time?.words ? `　${source.time.words}` : ""}`, el("br"), place(source.passage)),
  );
}

function provenance(summary) {
  const rows = provenanceRows(summary).map(([name, value, long]) => {
    const shown = long
      ? el("details", {}, el("summary", { "aria-label": `${name} ${value}、全体を表示` }, value), " ", el("code", { class: "hash" }, long))
      : value;
    return el("div", {}, el("dt", {}, name), el("dd", {}, shown));
  });
  return el(
    "section",
    { class: "provenance", "aria-label": "生成情報" },
    el("h3", { class: "provenance-title" }, "生成情報"),
    el("dl", {}, ...rows),
  );
}

function advice() {
  const tips = [
    "別の言葉や、制度の正式な名前で聞いてみてください。",
    "「地方自治法第10条」のように、法令名と条番号で聞けます。",
    "「使うデータセット」で、選ぶ数を増やしてみてください。",
    "資料に載っていない事柄は答えられません。担当課に確かめてください。",
  ];
  return el(
    "div",
    { class: "calm" },
    el("p", {}, "次のようにすると、見つかることがあります。"),
    el("ul", {}, ...tips.map((tip) => el("li", {}, tip))),
  );
}
