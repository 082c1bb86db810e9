/** Buttons and forms that do one thing and then show the page anew. */

import { busy, toast } from "./dom.js";
import { t } from "./i18n.js";

/** What each button of this name does, once at a time. */
export function wire(name, act) {
  for (const button of document.querySelectorAll(`[data-${name}]`)) {
    button.addEventListener("click", () => busy(button, async () => act(button)).catch(complain));
  }
}

/** What a form does; what goes wrong is said in `error`, or at the foot of the page. */
export function submits(form, act, error = null) {
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    if (error) error.textContent = "";
    busy(form.querySelector("[type=submit]"), async () => act(form.elements)).catch((reason) => {
      if (error && form.checkVisibility()) error.textContent = reason.text ?? t("error.text");
      else complain(reason);
    });
  });
}

/** Shows the page anew when it is done. */
export async function reloaded(done) {
  await done;
  location.reload();
}

/** Dialogs close without doing anything. */
export function wireClosing() {
  for (const button of document.querySelectorAll("[data-dialog-close]")) {
    button.addEventListener("click", () => button.closest("dialog").close());
  }
}

function complain(error) {
  toast(error.text ?? t("error.text"));
}
