// Reads the chosen file into the text that is sent. Without script the text is pasted.

import { byId } from "./dom.js";

const BYTES_MAX = 900_000;

function complain(message) {
  const error = byId("file-error");
  error.hidden = message === "";
  error.replaceChildren(message);
}

byId("file-field").hidden = false;
byId("file").addEventListener("change", async (event) => {
  const file = event.target.files[0];
  if (!file) return;
  complain("");
  if (file.size > BYTES_MAX) {
    complain("ファイルが大きすぎます。業務アシスタントのファイル（.toml）を選んでください。");
    return;
  }
  try {
    const bytes = await file.arrayBuffer();
    byId("content").value = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    complain("ファイルを読めませんでした。文字コードがUTF-8のファイルか確かめてください。");
  }
});
document.documentElement.dataset.ready = "true";
