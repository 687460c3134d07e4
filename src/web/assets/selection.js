// What an answer was looked up in, as rows of 生成情報.

import { japaneseDate } from "./format.js";

const AUTHORITIES = {
  law: "法律",
  "cabinet-order": "政令",
  "ministerial-ordinance": "省令・規則",
  "public-notice": "告示",
  circular: "通知",
  policy: "国の方針",
  ordinance: "条例・規則",
  manual: "要綱・マニュアル",
  faq: "FAQ・議事録",
};
const SCOPES = { common: "通例", local: "固有" };

/** The day always, the rest where it was chosen: [name, value, null]. */
export function selectionRows(selection) {
  const rows = [];
  const { as_of: day, authorities, scopes, period } = selection ?? {};
  const labels = (names, table) => names.map((name) => table[name] ?? name).join("、");
  if (day) rows.push(["時点", japaneseDate(day), null]);
  if (authorities) rows.push(["位置付けの指定", labels(authorities, AUTHORITIES), null]);
  if (scopes) rows.push(["区分の指定", labels(scopes, SCOPES), null]);
  if (period) {
    const end = (iso) => (iso ? japaneseDate(iso) : "");
    rows.push(["基準日の期間", `${end(period.from)}～${end(period.until)}`, null]);
  }
  return rows;
}
