/** The dashboard draws itself anew every five seconds while somebody can see it. */

import { refreshRegions } from "../regions.js";

const EVERY_MS = 5_000;

setInterval(async () => {
  if (document.hidden) return;
  try {
    // `live` says that no person asks: it does not keep the session from going idle.
    await refreshRegions("/console?live");
  } catch (error) {
    if (error.status === 401) location.reload();
  }
}, EVERY_MS);
