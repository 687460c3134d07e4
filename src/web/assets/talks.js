// Conversations that the appliance keeps: which one goes on, and the list beside the desk.

import { byId, el } from "./dom.js";
import { fetchJson } from "./stream.js";

/** Whether this person's conversations are kept by the appliance. */
export const keepsTalks = () => byId("conversations") !== null;

/** What a question sends along: the conversation that it goes on in. */
export function goesOn() {
  const id = byId("conversation")?.value;
  return id ? { conversation: id } : {};
}

/** The appliance says in which conversation it keeps the answer: the next question goes on there. */
export function began(id, question) {
  const field = byId("conversation");
  if (!field || field.value === id) return;
  field.value = id;
  const link = byId("talk-link");
  link.href = `/conversations/${id}`;
  link.replaceChildren(question.length > 60 ? `${question.slice(0, 60)}…` : question);
}

/** Takes the place of the tab's own list: the appliance has the answers. */
export class Talks {
  constructor(onNew) {
    byId("talk-new").addEventListener("click", (event) => {
      event.preventDefault();
      byId("conversation").value = "";
      byId("talk-current").hidden = true;
      this.draw();
      onNew();
      byId("question").focus();
    });
  }

  add() {}

  show() {}

  /** An answer has ended: the list is fetched again, and the conversation can go on. */
  async save() {
    const found = await fetchJson("/api/conversations");
    if (found === null) return;
    const rows = found.conversations;
    byId("talks-none").hidden = rows.length > 0;
    byId("talks-list").replaceChildren(...rows.map((row) => item(row)));
    const current = rows.find((row) => row.id === byId("conversation").value);
    if (current) byId("talk-link").replaceChildren(current.title);
    byId("talk-current").hidden = !current;
    this.draw();
  }

  /** Marks the conversation that goes on. */
  draw() {
    const { value } = byId("conversation");
    for (const link of byId("talks-list").querySelectorAll("a")) {
      if (value !== "" && link.pathname === `/conversations/${value}`) link.setAttribute("aria-current", "true");
      else link.removeAttribute("aria-current");
    }
  }
}

function item({ id, title, used_at: used, turns }) {
  return el(
    "li",
    {},
    el(
      "a",
      { href: `/conversations/${id}` },
      el("span", { class: "talk-title" }, title),
      el("span", { class: "talk-meta" }, `${used}　質問${turns}件`),
    ),
  );
}
