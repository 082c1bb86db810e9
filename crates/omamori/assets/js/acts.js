/** Buttons that do one thing with a send or a request, and then show what became of it. */

import { api } from "./api.js";
import { busy, toast } from "./dom.js";
import { refreshRegions } from "./regions.js";

/** Wires every `data-act` of the page, those that come later too. */
export function wireActs() {
  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-act]");
    if (!button) return;
    const act = () => api("POST", `/api/wallet/v1/${button.dataset.act}`, {});
    busy(button, act)
      .catch((error) => toast(error.text))
      .finally(() => refreshRegions().catch(() => {}));
  });
}
