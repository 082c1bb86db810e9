/** A page of several forms, of which one is shown at a time. The server keeps their order. */

import { busy } from "./dom.js";
import { t } from "./i18n.js";

/** @param {Element} error where what goes wrong is said */
export function steps(error) {
  const step = (name) => document.querySelector(`[data-step="${name}"]`);
  return {
    /** Shows one form. */
    show(name) {
      error.textContent = "";
      for (const form of document.querySelectorAll("[data-step]")) form.hidden = form.dataset.step !== name;
      step(name).querySelector("input, [type=submit]")?.focus();
    },
    /** What a form does when it is sent: once at a time. */
    wire(name, act) {
      const form = step(name);
      form.addEventListener("submit", (event) => {
        event.preventDefault();
        error.textContent = "";
        busy(event.submitter ?? form.querySelector("[type=submit]"), () => act(form.elements)).catch((reason) => {
          error.textContent = reason.text ?? t("error.text");
        });
      });
    },
  };
}
