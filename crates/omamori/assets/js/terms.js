/** The terms before the first top-up: confirmed once, then the way that was chosen opens. */

import { api } from "./api.js";
import { busy, part } from "./dom.js";

part("terms-form").addEventListener("submit", (event) => {
  event.preventDefault();
  const version = Number(event.target.dataset.version);
  busy(event.submitter, async () => {
    try {
      await api("POST", "/api/wallet/v1/terms/confirm", { version });
      location.reload();
    } catch (error) {
      part("terms-error").textContent = error.text;
    }
  });
});
