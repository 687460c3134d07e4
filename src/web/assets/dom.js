// Elements from data. Text only ever goes in as text nodes: nothing that a person typed, a document
// says or a model wrote is read as HTML.

/** Makes an element. `attributes` may hold `class`, `on` ({event: handler}) and plain attributes. */
export function el(name, attributes = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (key === "on") {
      for (const [event, handler] of Object.entries(value)) element.addEventListener(event, handler);
    } else if (value === true) {
      element.setAttribute(key, "");
    } else if (value !== false && value !== null && value !== undefined) {
      element.setAttribute(key, String(value));
    }
  }
  element.append(...children.filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

/** The element with this id. */
export const byId = (id) => document.getElementById(id);

/** Shows a message under the question box; an empty one takes it away. */
export function complain(message) {
  const [question, error] = [byId("question"), byId("question-error")];
  error.hidden = message === "";
  error.replaceChildren(message);
  question.toggleAttribute("aria-invalid", false);
  if (message !== "") {
    question.setAttribute("aria-invalid", "true");
    question.focus();
  }
}
