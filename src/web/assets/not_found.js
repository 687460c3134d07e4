// What stands beside 該当なし: what was searched, what to do next, how often this box errs, and the
// nearest passages, closed and marked as no answer. The words are those of view/not_found.rs.

import { el } from "./dom.js";
import { japaneseDate, place } from "./format.js";
import { badges, marked, openPassage } from "./passage.js";

/** The block for a summary with `not_found`. */
export function notFoundPart(none) {
  const searched = none.searched.map(({ title, as_of }) => `${title}（基準日 ${japaneseDate(as_of)}）`);
  return el(
    "section",
    { class: "none", "aria-label": "次にできること" },
    el("h3", { class: "none-title" }, "次にできること"),
    searched.length > 0 && el("p", { class: "none-searched" }, `調べたデータセット：${searched.join("、")}`),
    el("ul", { class: "none-steps" }, ...steps(none).map((step) => el("li", {}, step))),
    none.measured !== "" && el("p", { class: "none-measured" }, `この機器での測定：${none.measured}`),
    none.nearest.length > 0 && nearest(none.nearest),
  );
}

function steps(none) {
  const others = none.others.map((title) => `「${title}」`).join("、");
  return [
    "別の言葉や、制度の正式な名前で聞き直してください。",
    "法令や条例は、「手数料条例第5条」のように名前と条番号で聞けます。",
    others !== "" && `今回調べていないデータセットがあります：${others}。選んで聞き直せます。`,
    none.by === "model" && "資料は見つかりましたが、AIは答えがないと判断しました。資料の本文も確かめてください。",
    "それでも見つからないときは、担当課に確かめてください。必要な資料が登録されていないときは、情報担当者に知らせてください。",
  ].filter((step) => step !== false);
}

function nearest(sources) {
  const items = sources.map((source) =>
    el(
      "li",
      {},
      el(
        "button",
        { class: "button-text", type: "button", "aria-haspopup": "dialog", on: { click: () => openPassage(source) } },
        source.citation,
      ),
      el("p", { class: "source-snippet" }, ...marked(source.snippet, source.highlights)),
      badges(source),
      el("p", { class: "source-meta" }, `${source.dataset.title}　基準日 ${japaneseDate(source.passage.as_of)}　${place(source.passage)}`),
    ),
  );
  return forReference(sources.length, el("ul", {}, ...items));
}

/** Passages that do not answer, closed and under a heading that says so. */
export function forReference(count, passages) {
  const summary = el("summary", {}, `参考（質問への答えではない可能性があります）　${count}件`);
  return el("details", { class: "none-nearest" }, summary, passages);
}
