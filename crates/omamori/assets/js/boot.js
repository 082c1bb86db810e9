/**
 * The page for a browser that has a session but showed no proof: the service worker, which makes
 * proofs, does not run yet. It is started, and the page is asked for again.
 */

import { deviceSigner } from "./device.js";
import { canProve, startWorker } from "./dpop.js";
import { part } from "./dom.js";
import { t } from "./i18n.js";

const STARTED_KEY = "omamori.worker-started";
/** A reload that ends here again so soon did not go through the worker. */
const STARTED_MS = 5_000;

part("boot-retry").addEventListener("click", () => location.reload());

boot().catch(() => stuck("boot.no_worker"));

async function boot() {
  if (!canProve()) return stuck("boot.no_worker");
  if (!(await deviceSigner())) return stuck("boot.no_key");
  // The worker handled this load, so a proof was sent and refused, or there is no session to prove.
  const [load] = performance.getEntriesByType("navigation");
  if (load.workerStart > 0) return stuck("boot.refused");
  if (Date.now() - Number(sessionStorage.getItem(STARTED_KEY)) < STARTED_MS) return stuck("boot.no_worker");
  await startWorker();
  sessionStorage.setItem(STARTED_KEY, String(Date.now()));
  location.reload();
}

function stuck(reason) {
  sessionStorage.removeItem(STARTED_KEY);
  part("boot-wait").hidden = true;
  part("boot-reason").textContent = t(reason);
  part("boot-stuck").hidden = false;
}
