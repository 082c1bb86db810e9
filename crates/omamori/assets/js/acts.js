/** Buttons and forms that do one thing and then show the page anew. */

import { api } from "./api.js";
import { busy, toast } from "./dom.js";
import { t } from "./i18n.js";
import { refreshRegions } from "./regions.js";

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

/** Says at the foot of the page what went wrong. */
export function complain(error) {
  toast(error.text ?? t("error.text"));
}

/** Wires every `data-act` of the page, those that come later too. */
export function wireActs() {
  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-act]");
    if (!button) return;
    const act = () => api("POST", `/api/wallet/v1/${button.dataset.act}`, {});
    busy(button, act)
      .catch(complain)
      .finally(() => refreshRegions().catch(() => {}));
  });
}
