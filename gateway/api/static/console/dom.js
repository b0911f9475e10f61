// Makes elements. Whatever a campaign is called is text here: nothing in these files writes HTML.

const SVG = "http://www.w3.org/2000/svg";

// An element with attributes and children. Texts become text nodes; null, undefined and false are passed over.
// An attribute that is a function is a listener, and true one without a value.
export function el(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") element.addEventListener(name, value);
    else if (value === true) element.setAttribute(name, "");
    else if (value !== null && value !== undefined && value !== false) element.setAttribute(name, value);
  }
  element.append(...children.flat(Infinity).filter((child) => child || child === 0));
  return element;
}

export function icon(name) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("class", "icon");
  svg.setAttribute("aria-hidden", "true");
  const use = document.createElementNS(SVG, "use");
  use.setAttribute("href", `#i-${name}`);
  svg.append(use);
  return svg;
}

export const part = (id) => document.getElementById(id);

const reachable = (element) => [...element.querySelectorAll("a[href], button, input, select")];

// Does what changes an element. Where that takes the focus from it, what has the same data-key afterwards gets it, else
// what then stands in its place: who works by keyboard is not sent back to the top of the page.
export function keepingFocus(element, change) {
  const held = document.activeElement;
  const at = reachable(element).indexOf(held);
  change();
  if (at < 0 || element.contains(document.activeElement)) return;
  const there = reachable(element);
  const same = there.find((one) => one.dataset.key && one.dataset.key === held.dataset.key);
  (same ?? there[Math.min(at, there.length - 1)])?.focus({ preventScroll: true });
}

// Puts the children in place of those that there are, where these differ, so that nothing blinks or loses the focus.
export function fill(element, ...children) {
  const wanted = children.flat(Infinity).filter((child) => child || child === 0);
  const made = el("div", {}, ...wanted);
  if (made.childNodes.length === element.childNodes.length) {
    const same = [...made.childNodes].every((node, at) => node.isEqualNode(element.childNodes[at]));
    if (same) return;
  }
  keepingFocus(element, () => element.replaceChildren(...made.childNodes));
}
