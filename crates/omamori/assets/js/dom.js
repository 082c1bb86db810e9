/** Small words for the document. Elements are made, never parsed: the pages allow no HTML text. */

import { t } from "./i18n.js";

/** The element with an attribute `data-…`, inside `root`. */
export function part(name, root = document) {
  return root.querySelector(`[data-${name}]`);
}

/**
 * Makes an element.
 * @param {string} tag
 * @param {Record<string, unknown>} attributes functions (`onclick`) listen; null is left out
 * @param {...(Node | string | null)} children
 * @returns {HTMLElement}
 */
export function el(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (typeof value === "function") node.addEventListener(name.slice(2), value);
    else node.setAttribute(name, value === true ? "" : String(value));
  }
  node.append(...children.filter((child) => child !== null));
  return node;
}

/** A picture of the sprite. */
export function icon(name) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("class", "icon");
  svg.setAttribute("aria-hidden", "true");
  const use = document.createElementNS("http://www.w3.org/2000/svg", "use");
  use.setAttribute("href", `/assets/img/icons.svg#${name}`);
  svg.append(use);
  return svg;
}

const figures = new Intl.NumberFormat("ja-JP");

/** `¥1,234`; a negative amount with a true minus sign. */
export function yen(amount) {
  return `${amount < 0 ? "−" : ""}¥${figures.format(Math.abs(amount))}`;
}

const clock = new Intl.DateTimeFormat("ja-JP", {
  timeZone: "Asia/Tokyo",
  year: "numeric",
  month: "2-digit",
  day: "2-digit",
  hour: "2-digit",
  minute: "2-digit",
});

/** An RFC 3339 instant as `2026/11/22 14:03`, Japan time. */
export function datetime(instant) {
  return clock.format(new Date(instant));
}

/** A short message at the foot of the page. */
export function toast(message) {
  const note = el("p", { class: "toast" }, message);
  document.getElementById("toasts").append(note);
  setTimeout(() => note.remove(), 4000);
}

/** Copies a text and says so. */
export async function copy(text) {
  await navigator.clipboard.writeText(text);
  toast(t("common.copied"));
}

/** Runs an act of a button once at a time, with the button marked busy. */
export async function busy(button, act) {
  if (button.getAttribute("aria-busy") === "true") return;
  button.setAttribute("aria-busy", "true");
  try {
    await act();
  } finally {
    button.removeAttribute("aria-busy");
  }
}
