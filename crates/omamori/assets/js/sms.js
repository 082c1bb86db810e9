/** Sandbox: messages appear as they are "sent". */

import { copy } from "./dom.js";
import { refreshRegions } from "./regions.js";

const PAUSE_MS = 2_000;

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-copy]");
  if (button) copy(button.dataset.copy);
});

setInterval(() => {
  if (!document.hidden) refreshRegions().catch(() => {});
}, PAUSE_MS);
