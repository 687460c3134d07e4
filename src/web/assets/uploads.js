// Files in the conversation: sent with progress, dropped or chosen, listed, deleted.

import { byId, el } from "./dom.js";
import { refusal } from "./stream.js";
import { began } from "./talks.js";

const LOST = "機器につながりません。ネットワークを確かめて、もう一度お試しください。";
const MINUTE = 60000;
let sending = false;

/** What a question sends along: how the files are used, where there are any. */
export function usesUploads() {
  const use = byId("upload-use");
  if (!use || use.hidden) return {};
  return { uploads: use.querySelector("input:checked")?.value ?? "with" };
}

/** Another conversation begins: it has no files. */
export function withoutUploads() {
  if (byId("uploads")) show([]);
}

let afterTaking = () => {};

/** `onTaken` is called when files have come into the conversation. */
export function setUpUploads(onTaken) {
  const box = byId("uploads");
  if (!box) return;
  afterTaking = onTaken;
  const chosen = byId("upload-file");
  byId("upload-drop").hidden = false;
  byId("upload-send").hidden = true;
  chosen.addEventListener("change", () => chosen.files.length > 0 && send([...chosen.files]));
  byId("upload").addEventListener("submit", (event) => {
    event.preventDefault();
    send([...chosen.files]);
  });
  for (const target of [box, byId("ask")]) takesDrops(target, box);
  for (const form of byId("upload-list").querySelectorAll("form")) deletes(form, form.action.split("/").at(-2));
  countDown();
  window.setInterval(countDown, MINUTE);
}

function takesDrops(target, box) {
  const hasFiles = (event) => [...(event.dataTransfer?.types ?? [])].includes("Files");
  target.addEventListener("dragover", (event) => {
    if (!hasFiles(event)) return;
    event.preventDefault();
    box.classList.add("dropping");
  });
  for (const name of ["dragleave", "dragend"]) {
    target.addEventListener(name, () => box.classList.remove("dropping"));
  }
  target.addEventListener("drop", (event) => {
    if (!hasFiles(event)) return;
    event.preventDefault();
    box.classList.remove("dropping");
    box.open = true;
    send([...event.dataTransfer.files]);
  });
}

function complainOf(messages) {
  const error = byId("upload-error");
  error.hidden = messages.length === 0;
  error.replaceChildren(...messages.flatMap((message) => [message, el("br")]));
}

/** One after the other, so that one that is refused holds up none. */
async function send(files) {
  if (sending || files.length === 0) return;
  sending = true;
  complainOf([]);
  const refused = [];
  let taken = 0;
  for (const file of files) {
    const done = await sendOne(file);
    if (done.error) refused.push(`「${file.name}」：${done.error}`);
    for (const each of done.refused ?? []) refused.push(`「${each.name}」：${each.message}`);
    if (done.conversation) {
      began(done.conversation, done.title);
      taken += done.refused.length === 0 ? 1 : 0;
      show(done.uploads);
    }
  }
  sending = false;
  byId("upload-file").value = "";
  byId("upload-progress").hidden = true;
  complainOf(refused);
  if (taken > 0) afterTaking();
  say(taken > 0 ? `${taken}件の資料を読み取りました。上の欄から質問できます。` : "");
}

const say = (message) => byId("upload-state").replaceChildren(message);

/** XMLHttpRequest, since fetch tells nothing of what has gone out. */
function sendOne(file) {
  const form = new FormData();
  form.append("conversation", byId("conversation")?.value ?? "");
  form.append("file", file, file.name);
  const bar = byId("upload-progress");
  bar.hidden = false;
  bar.value = 0;
  say(`「${file.name}」を送っています…`);
  const request = new XMLHttpRequest();
  return new Promise((resolve) => {
    request.upload.addEventListener("progress", (event) => {
      if (event.lengthComputable) bar.value = event.loaded / event.total;
    });
    request.upload.addEventListener("load", () => say(`「${file.name}」を読み取っています…`));
    request.addEventListener("error", () => resolve({ error: LOST }));
    request.addEventListener("load", () => resolve(answerOf(request)));
    request.open("POST", "/api/uploads");
    request.setRequestHeader("accept", "application/json");
    request.send(form);
  });
}

async function answerOf(request) {
  if (request.status === 200) return JSON.parse(request.responseText);
  const response = new Response(request.responseText, { status: request.status });
  return { error: (await refusal(response)).message };
}

/** The list as the appliance has it now. */
function show(uploads) {
  byId("upload-list").replaceChildren(...uploads.map(item));
  byId("upload-use").hidden = uploads.length === 0;
  countDown();
}

function item(upload) {
  const form = el("form", {}, el("button", { class: "button-text", type: "submit" }, "削除する", el("span", { class: "visually-hidden" }, `：${upload.name}`)));
  deletes(form, upload.id);
  const until = new Date(upload.expires_at);
  const time = until.toLocaleString("ja-JP", { month: "long", day: "numeric", hour: "2-digit", minute: "2-digit" });
  const size = upload.bytes < 1e3 ? `${upload.bytes}バイト` : upload.bytes < 1e6 ? `${(upload.bytes / 1e3).toFixed(1)} KB` : `${(upload.bytes / 1e6).toFixed(1)} MB`;
  return el(
    "li",
    { class: "upload-item" },
    el("div", { class: "upload-head" }, el("span", { class: "upload-name" }, upload.name), form),
    el("p", { class: "upload-facts" }, `${upload.passages}か所を読み取りました（${size}）　`, el("time", { datetime: upload.expires_at }, time), "に自動で削除します。"),
    ...upload.notes.map((note) => el("p", { class: "source-warning" }, note)),
  );
}

function deletes(form, id) {
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    complainOf([]);
    try {
      const response = await fetch(`/api/uploads/${id}/delete`, { method: "POST", headers: { accept: "application/json" } });
      if (!response.ok && response.status !== 404) throw await refusal(response);
      if (response.ok) show((await response.json()).uploads);
      else form.closest("li").remove();
      say("資料を削除しました。");
      byId("upload-file").focus();
    } catch (error) {
      complainOf([error instanceof TypeError ? LOST : error.message]);
    }
  });
}

/** How long each is still there; one whose time is over leaves the list. */
function countDown() {
  for (const time of byId("upload-list").querySelectorAll("time")) {
    const minutes = Math.ceil((new Date(time.dateTime) - Date.now()) / MINUTE);
    if (minutes <= 0) {
      time.closest("li").remove();
      continue;
    }
    const left = minutes > 90 ? `あと約${Math.round(minutes / 60)}時間` : `あと${minutes}分`;
    const mark = time.nextElementSibling?.classList.contains("upload-left") ? time.nextElementSibling : el("span", { class: "upload-left" });
    mark.replaceChildren(`（${left}）`);
    time.after(mark);
  }
  byId("upload-use").hidden = byId("upload-list").children.length === 0;
}
