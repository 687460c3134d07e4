// The page of a record: copies it as it is saved.

import { copyText } from "./copy.js";
import { byId } from "./dom.js";
import { recordText } from "./record.js";

const button = byId("record-copy");
const said = byId("record-said");

button.hidden = false;
button.addEventListener("click", async () => {
  const text = await recordText({ summary: { record: button.dataset.record } });
  const copied = text !== null && (await copyText(text));
  said.replaceChildren(copied ? "コピーしました" : "コピーできませんでした。文章を選んでコピーしてください。");
});
document.documentElement.dataset.ready = "true";
