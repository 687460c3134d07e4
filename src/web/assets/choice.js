// The choice of data: read from the fields, said in words, remembered in this browser.

import { byId } from "./dom.js";
import { japaneseDate } from "./format.js";
import { keepsTalks } from "./talks.js";

const KEY = "kura-choice";
const EVERYTHING = "すべて・今日時点";

/** The fields whose names begin with `prefix`, as one choice. */
export class Choice {
  constructor(prefix = "", onChange = () => {}) {
    this.prefix = prefix;
    this.onChange = onChange;
    for (const field of this.fields()) field.addEventListener("change", () => this.changed());
    this.showEras();
  }

  fields() {
    const names = ["datasets", "editions", "as_of", "scopes", "authorities", "from", "until"];
    return names.flatMap((name) => this.named(name));
  }

  named(name) {
    return [...document.getElementsByName(this.prefix + name)];
  }

  changed() {
    this.showEras();
    this.onChange(this);
  }

  /** What is chosen, as the appliance takes it; empty where everything is. */
  selection() {
    const chosen = {};
    const ticked = (name) => this.named(name).filter((field) => field.checked).map((field) => field.value);
    const datasets = ticked("datasets");
    // All data sets are as good as none named: those that come later belong to them, too.
    if (datasets.length > 0 && datasets.length < this.named("datasets").length) chosen.datasets = datasets;
    const editions = this.named("editions").map((field) => field.value).filter((value) => value !== "");
    if (editions.length > 0) {
      chosen.editions = Object.fromEntries(editions.map((pair) => [pair.slice(0, pair.indexOf("=")), pair.slice(pair.indexOf("=") + 1)]));
    }
    const [asOf, from, until] = ["as_of", "from", "until"].map((name) => this.named(name)[0]?.value ?? "");
    if (asOf) chosen.as_of = asOf;
    for (const name of ["scopes", "authorities"]) {
      const values = ticked(name);
      if (values.length > 0 && values.length < this.named(name).length) chosen[name] = values;
    }
    if (from || until) chosen.period = { ...(from && { from }), ...(until && { until }) };
    return chosen;
  }

  /** 「国の共通ルール・令和6年4月1日時点」 */
  words() {
    const chosen = this.selection();
    const label = (name, value) => {
      const field = this.named(name).find((each) => each.value === value);
      return field?.dataset.title ?? document.querySelector(`label[for="${CSS.escape(field?.id ?? "")}"]`)?.textContent.trim() ?? value;
    };
    const parts = [];
    if (chosen.datasets) parts.push(chosen.datasets.map((id) => label("datasets", id)).join("、"));
    for (const field of this.named("editions")) {
      if (field.value !== "") parts.push(field.selectedOptions[0].textContent);
    }
    if (chosen.scopes) parts.push(chosen.scopes.map((value) => label("scopes", value).replace(/（.*）/, "")).join("、"));
    if (chosen.authorities) parts.push(chosen.authorities.map((value) => label("authorities", value)).join("、"));
    if (chosen.period) {
      const end = (iso) => (iso ? japaneseDate(iso) : "");
      parts.push(`基準日 ${end(chosen.period.from)}～${end(chosen.period.until)}`);
    }
    const day = chosen.as_of ? `${japaneseDate(chosen.as_of)}時点` : "今日時点";
    if (parts.length === 0 && !chosen.as_of) return EVERYTHING;
    return [...(parts.length === 0 ? ["すべて"] : parts), day].join("・");
  }

  /** 令和8年4月1日 beside each day that is chosen. */
  showEras() {
    for (const field of ["as_of", "from", "until"].flatMap((name) => this.named(name))) {
      const era = field.parentElement.querySelector("output");
      era?.replaceChildren(field.value ? japaneseDate(field.value) : "");
    }
  }

  /** Everything as of today. */
  reset() {
    for (const field of this.fields()) {
      if (field.type === "checkbox") field.checked = field.name === `${this.prefix}datasets`;
      else field.value = "";
    }
    this.changed();
  }

  /** Keeps the choice in this browser. */
  save() {
    try {
      localStorage.setItem(KEY, JSON.stringify(this.selection()));
    } catch {
      // The storage is full or off: the choice holds for this page.
    }
  }

  /** Fills the fields with what was kept; what is not installed any more is left out. */
  load() {
    let kept = null;
    try {
      kept = JSON.parse(localStorage.getItem(KEY));
    } catch {
      kept = null;
    }
    if (kept === null || typeof kept !== "object") return;
    const list = (value) => (Array.isArray(value) ? value : null);
    for (const name of ["datasets", "scopes", "authorities"]) {
      const values = list(kept[name])?.filter((value) => this.named(name).some((field) => field.value === value));
      if (!values || values.length === 0) continue;
      for (const field of this.named(name)) field.checked = values.includes(field.value);
    }
    const pairs = Object.entries(kept.editions ?? {}).map(([id, edition]) => `${id}=${edition}`);
    for (const field of this.named("editions")) {
      const known = [...field.options].find((option) => pairs.includes(option.value));
      if (known) field.value = known.value;
    }
    const days = { as_of: kept.as_of, from: kept.period?.from, until: kept.period?.until };
    for (const [name, day] of Object.entries(days)) {
      for (const field of this.named(name)) field.value = day ?? "";
    }
    this.changed();
  }
}

/** The choice of the page of questions: in words beside the button, kept from visit to visit. A page
 * that came with an answer shows what that was made from. */
export function setUpChoice() {
  const say = (choice) => byId("choice-summary").replaceChildren(choice.words());
  const choice = new Choice("", (changed) => {
    say(changed);
    // Where somebody is signed in, the appliance remembers the choice of the last question.
    if (!keepsTalks()) changed.save();
  });
  const reset = byId("choice-reset");
  if (reset) {
    reset.hidden = false;
    reset.addEventListener("click", () => choice.reset());
  }
  document.querySelector(".choice-change").addEventListener("click", (event) => {
    event.preventDefault();
    const panel = byId("datasets");
    panel.open = true;
    const details = byId("choice");
    if (details) details.open = true;
    panel.scrollIntoView({ block: "nearest" });
    panel.querySelector("summary").focus();
  });
  if (document.querySelector(".answer") === null && !keepsTalks()) choice.load();
  say(choice);
  return choice;
}
