// What the page says about sources and provenance, as plain text.

import { plainDifferences, plainLayers } from "./layers.js";
import { selectionRows } from "./selection.js";

const CITED = /\[(\d{1,3})\]/g;

const ERAS = [
  ["令和", "2019-05-01"],
  ["平成", "1989-01-08"],
  ["昭和", "1926-12-25"],
  ["大正", "1912-07-30"],
  ["明治", "1868-01-25"],
];

/** `2026-04-01` becomes 令和8年4月1日. */
export function japaneseDate(iso) {
  const era = ERAS.find(([, first]) => iso >= first);
  const [year, month, day] = iso.split("-").map(Number);
  if (!era) return `${year}年${month}月${day}日`;
  const count = year - Number(era[1].slice(0, 4)) + 1;
  return `${era[0]}${count === 1 ? "元" : count}年${month}月${day}日`;
}

/** An RFC 3339 time as the clock of the box showed it. */
export function clockTime(stamp) {
  const match = /^(\d{4}-\d{2}-\d{2})T(\d{2}:\d{2})/.exec(stamp);
  return match ? `${japaneseDate(match[1])} ${match[2]}` : stamp;
}

/** The current time as RFC 3339, in the zone of this computer. */
export function now() {
  const time = new Date();
  const local = new Date(time.getTime() - time.getTimezoneOffset() * 60000);
  return local.toISOString().slice(0, 19);
}

export const KINDS = {
  generated: "AIが作成した回答",
  excerpt: "資料からの抜き出し",
  "not-found": "該当なし",
  plain: "AIが作成した文章",
};

/** The model as 生成情報 names it; the self-test model says what it is not for. */
function modelLabel(model) {
  if (!model.self_test) return model.name;
  const kind = model.name.includes("動作確認用") ? "" : "動作確認用・";
  return `${model.name}　${kind}業務には使わないでください`;
}

/** 「3ページ」 and the like, as the file of a passage is addressed. */
export function place(passage) {
  const at = passage.locator ?? {};
  const range = at.first === at.last ? `${at.first}` : `${at.first}～${at.last}`;
  const inside = {
    pages: `${range}ページ`,
    slide: `スライド${at.number}`,
    rows: at.sheet ? `シート「${at.sheet}」${range}行` : `${range}行`,
  }[at.kind];
  return inside ? `${passage.path}（${inside}）` : passage.path;
}

/** Rows of 生成情報 for a finished answer: [name, value, longer value or null]. */
export function provenanceRows({ kind, provenance, selection }) {
  const rows = [];
  const model = provenance.model;
  if (model) {
    rows.push(["モデル", modelLabel(model), null]);
    rows.push(["量子化", model.quantization, null]);
    rows.push(["ハッシュ", model.blake3.slice(0, 12), model.blake3]);
    if (model.evaluation) rows.push(["モデルの評価", model.evaluation, null]);
  } else {
    rows.push(["モデル", kind === "excerpt" ? "使用なし（資料からの抜き出し）" : "使用なし", null]);
  }
  const { assistant } = provenance;
  if (assistant) rows.push(["業務アシスタント", `${assistant.title}（第${assistant.version}版）`, null]);
  for (const dataset of provenance.datasets) {
    const stale = dataset.stale ? "、古い可能性" : "";
    const text = `${dataset.title}　版 ${dataset.edition}（基準日 ${japaneseDate(dataset.as_of)}${stale}）`;
    rows.push(["データセット", text, null]);
  }
  rows.push(...selectionRows(selection));
  rows.push(["作成日時", clockTime(provenance.created_at), null]);
  rows.push(["kuraの版", provenance.kura_version, null]);
  return rows;
}

/** What stands beside an answer: the notes of the appliance and how it ended. */
export function notes(entry) {
  const said = [...(entry.summary?.notes ?? [])];
  if (entry.summary?.finish === "length") said.push("長さの上限に達したため、回答は途中で終わっています。");
  if (entry.state === "stopped" || entry.summary?.finish === "cancelled") {
    said.push("回答の作成を途中で停止しました。文章は途中までです。");
  }
  if (entry.summary?.citations_removed > 0) {
    said.push(`資料で確かめられない出典番号を${entry.summary.citations_removed}件取り除きました。`);
  }
  return said;
}

/** What a screen reader hears at the end: the outcome, the answer, and what to beware of. The answer
 * itself is not announced while it grows, since it would be read in scraps. */
export function spokenAnswer(entry, outcome) {
  const text = entry.text.replace(CITED, "（出典$1）").trim();
  return [outcome, text, ...notes(entry)].join("\n");
}

/** Sources that the answer cites, and the others. */
export function sortedSources(entry) {
  const cited = new Set(entry.summary?.cited ?? citedIn(entry.text));
  return {
    cited: entry.sources.filter((source) => cited.has(source.number)),
    others: entry.sources.filter((source) => !cited.has(source.number)),
  };
}

function citedIn(text) {
  return [...text.matchAll(CITED)].map((match) => Number(match[1]));
}

/** The whole answer as text to paste: question, answer, sources, provenance. */
export function plainText(entry) {
  const { cited, others } = sortedSources(entry);
  const shown = cited.length > 0 ? cited : others;
  const lines = ["【質問】", entry.question, "", `【${KINDS[entry.summary?.kind] ?? "回答"}】`, plainLayers(entry)];
  lines.push(...notes(entry).map((note) => `※${note}`), ...plainDifferences(entry));
  if (shown.length > 0) {
    lines.push("", "【出典】");
    for (const source of shown) {
      const { title, edition } = source.dataset;
      const facts = `${source.authority_label}・${source.scope_label}、${title} 版 ${edition}`;
      const day = japaneseDate(source.passage.as_of);
      const words = [source.time?.label, source.time?.words].filter(Boolean).join(" ");
      const time = words ? `、${words}` : "";
      lines.push(`[${source.number}] ${source.citation}（${facts}、基準日 ${day}${time}、${place(source.passage)}）`);
    }
  }
  if (entry.summary?.provenance) {
    lines.push("", "【生成情報】");
    for (const [name, value, long] of provenanceRows(entry.summary)) {
      lines.push(`${name}：${long ?? value}`);
    }
  }
  lines.push("", "※回答はAIが作成しています。必ず出典を確かめてください。");
  return lines.join("\n");
}
