// Bringing bundles in through the browser: papers, missing chunks, import. Whatever breaks off goes
// on when the same folder is picked again.

import { bundlesIn, chunksOf, papersOf } from "./bundle.js";
import { byId, el } from "./dom.js";
import { AskError, events, refusal } from "./stream.js";

const SENDERS = 3;
const WAITS_MS = [1000, 2000, 4000, 8000, 15000];
const BROKEN = "機器との接続が切れました。取り込みは機器で続いていることがあります。しばらくしてから、この画面を開き直してください。";
const LOST = "機器につながりません。ネットワークを確かめて、同じフォルダーを選び直すと、続きから送れます。";

const form = byId("upload");
let running = null;

function say(message) {
  byId("upload-state").replaceChildren(message);
}

/** Said to a screen reader as well. */
function announce(message) {
  say(message);
  byId("upload-live").replaceChildren(message);
}

function bar(share) {
  const element = byId("upload-bar");
  if (share === null) element.removeAttribute("value");
  else element.value = share;
}

function complain(name, message) {
  const error = byId(`${name}-error`);
  error.hidden = message === "";
  error.replaceChildren(message);
  byId(name).toggleAttribute("aria-invalid", false);
  if (message !== "") byId(name).setAttribute("aria-invalid", "true");
  return message !== "";
}

/** The form's names, or `null` after saying what is missing. */
function filled() {
  const names = {};
  for (const name of ["operator", "approver", "media"]) names[name] = byId(name).value.trim();
  const wrong = [
    ["operator", names.operator === "" ? "作業者を入力してください。" : ""],
    ["approver", names.approver === "" ? "承認者を入力してください。" : ""],
    ["folder", byId("folder").files.length === 0 ? "更新パッケージのフォルダーを選んでください。" : ""],
  ].filter(([name, message]) => complain(name, message));
  if (wrong.length === 0) return names;
  byId(wrong[0][0]).focus();
  return null;
}

function result(good, name, message) {
  byId("upload-results").append(el("li", { class: good ? "done" : "failure" }, el("strong", {}, name), el("br"), message));
  byId("upload-live").replaceChildren(`${name}：${message}`);
}

async function start() {
  const names = filled();
  if (!names) return;
  const bundles = bundlesIn(byId("folder").files);
  if (bundles.length === 0) {
    complain("folder", "選んだフォルダーに更新パッケージがありません。manifest.jsonのあるフォルダー（kura-bundle）を選んでください。");
    byId("folder").focus();
    return;
  }
  running = new AbortController();
  byId("upload-results").replaceChildren();
  busy(true);
  for (const bundle of bundles) {
    if (running.signal.aborted) break;
    await bring(bundle, names);
  }
  busy(false);
  running = null;
  byId("upload-results").append(el("li", {}, el("a", { class: "button", href: "/updates" }, "最新の状態を表示")));
}

function busy(on) {
  byId("upload-send").toggleAttribute("aria-disabled", false);
  if (on) byId("upload-send").setAttribute("aria-disabled", "true");
  byId("upload-stop").hidden = true;
  byId("upload-progress").hidden = !on;
  if (!on) byId("upload-send").focus();
}

/** One bundle, from its papers to its end, whatever the end is. */
async function bring(bundle, names) {
  let name = bundle.name || "更新パッケージ";
  try {
    byId("upload-what").replaceChildren(name);
    bar(null);
    byId("upload-stop").hidden = false;
    announce("署名を確かめています…");
    const papers = await papersOf(bundle);
    if (!papers) throw new AskError("目録（manifest.json）が大きすぎます。更新パッケージを作り直してください。");
    const begun = await begin({ ...papers, ...names });
    name = `${begun.kind_label}「${begun.title}」版 ${begun.edition}`;
    byId("upload-what").replaceChildren(name);
    await sendAll(begun, chunksOf(bundle));
    await commit(begun, names, name);
  } catch (error) {
    const stopped = error.name === "AbortError";
    result(false, name, stopped ? "停止しました。同じフォルダーを選び直すと、続きから送れます。" : messageOf(error));
  }
}

function messageOf(error) {
  if (error instanceof AskError) return error.message;
  if (error.name === "NotReadableError" || error.name === "NotFoundError") {
    return "フォルダーのファイルを読めませんでした。媒体を確かめて、選び直してください。";
  }
  return `画面の処理で問題が起きました（${error.message}）。画面を開き直して、もう一度お試しください。`;
}

async function begin(papers) {
  const body = JSON.stringify(papers);
  const response = await patiently(() => ({ path: "/api/updates", method: "POST", type: "application/json", body }));
  return response.json();
}

/** Sends what is missing, several at a time. */
async function sendAll(begun, chunks) {
  const lacking = begun.missing.filter((hash) => !chunks.has(hash));
  if (lacking.length > 0) {
    throw new AskError(`フォルダーに、必要な部分が${lacking.length}個ありません。差分のもとになる版がこの機器に入っていないか、書き込みが途中です。`);
  }
  const waiting = [...begun.missing];
  const total = begun.missing_bytes;
  const began = performance.now();
  let sent = 0;
  let told = 0;
  if (waiting.length > 0) announce(`送っています：${megabytes(total)}`);
  const sender = async () => {
    for (let hash = waiting.shift(); hash; hash = waiting.shift()) {
      const body = chunks.get(hash);
      const path = `/api/updates/${begun.id}/chunks/${hash}`;
      await patiently(() => ({ path, method: "PUT", type: "application/octet-stream", body }));
      sent += body.size;
      bar(total > 0 ? sent / total : null);
      const quarter = Math.floor((sent * 4) / total);
      const text = `送っています：${megabytes(sent)}／${megabytes(total)}${remaining(sent, total, began)}`;
      if (quarter > told && quarter < 4) announce(text);
      else say(text);
      told = Math.max(told, quarter);
    }
  };
  // One that fails ends the others: there is nothing left for them to take.
  const failed = (error) => {
    waiting.length = 0;
    throw error;
  };
  await Promise.all(Array.from({ length: SENDERS }, () => sender().catch(failed)));
}

function megabytes(bytes) {
  return bytes < 100000 ? `${Math.ceil(bytes / 1000)} KB` : `${(bytes / 1e6).toFixed(1)} MB`;
}

function remaining(sent, total, began) {
  const passed = (performance.now() - began) / 1000;
  if (passed < 5 || sent === 0) return "";
  const left = ((total - sent) * passed) / sent;
  return left < 60 ? "（のこり1分未満）" : `（のこり約${Math.ceil(left / 60)}分）`;
}

/** From here on the appliance works by itself, also when this page is closed: no 停止. */
async function commit(begun, names, name) {
  bar(null);
  if (document.activeElement === byId("upload-stop")) byId("upload-send").focus();
  byId("upload-stop").hidden = true;
  announce("取り込んでいます…");
  for await (const event of events(`/api/updates/${begun.id}/commit`, names, undefined, BROKEN)) {
    if (event.type === "copied") {
      bar(event.of > 0 ? event.bytes / event.of : null);
      say(`組み立てています：${megabytes(event.bytes)}／${megabytes(event.of)}`);
    } else if (event.type === "preparing") {
      bar(null);
      announce("使えるように準備しています（索引、確認用の質問など）…");
    } else if (event.type === "finished") {
      const found = event.found ? `${event.found}。` : "";
      result(true, name, event.changed ? `取り込みました。いまから使われます。${found}` : "既に使われています。変更はありません。");
    } else if (event.type === "failed") {
      throw new AskError(event.message);
    }
  }
}

/** Sends a request until it is answered; waits out what passes. */
async function patiently(requestOf) {
  for (const wait of [...WAITS_MS, null]) {
    const { path, method, type, body } = requestOf();
    let response = null;
    try {
      const headers = { "content-type": type, accept: "application/json" };
      response = await fetch(path, { method, headers, body, signal: running.signal });
    } catch (error) {
      if (error.name === "AbortError" || (await unreadable(body))) throw error;
    }
    if (response?.ok) return response;
    const passes = response === null || [408, 429, 502, 503, 504].includes(response.status);
    if (!passes) throw await refusal(response);
    if (wait === null) throw new AskError(LOST);
    say("機器との接続を待っています…");
    await pause(wait);
  }
  throw new AskError(LOST);
}

/** Whether the medium was taken out. A failed request looks the same. */
async function unreadable(body) {
  if (!(body instanceof Blob)) return false;
  try {
    await body.slice(0, 1).arrayBuffer();
    return false;
  } catch {
    throw new AskError("フォルダーのファイルを読めませんでした。媒体を確かめて、選び直してください。続きから送れます。");
  }
}

function pause(milliseconds) {
  const { signal } = running;
  return new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, milliseconds);
    signal.addEventListener("abort", () => {
      clearTimeout(timer);
      reject(signal.reason);
    });
  });
}

function setUp() {
  byId("upload-area").hidden = false;
  form.noValidate = true;
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    if (!running) start();
  });
  byId("upload-stop").addEventListener("click", () => running?.abort());
  for (const name of ["operator", "approver", "folder"]) {
    byId(name).addEventListener("input", () => complain(name, ""));
  }
  window.addEventListener("beforeunload", (event) => running && event.preventDefault());
  document.documentElement.dataset.ready = "true";
}

setUp();
