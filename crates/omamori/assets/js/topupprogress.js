/** Waits until it is known what became of a top-up by card, or of a registration. */

import { api } from "./api.js";
import { part } from "./dom.js";
import { refreshRegions } from "./regions.js";
import { followWallet } from "./wallet.js";

const FIRST_PAUSE_MS = 1_200;
const LONGEST_PAUSE_MS = 15_000;
const FINAL = new Set(["credited", "done", "refused", "refunded"]);

followWallet(() => {}, step);

let pauseMs = FIRST_PAUSE_MS;
let timer = null;

async function look() {
  const { look: address, outcome } = part("outcome").dataset;
  if (FINAL.has(outcome)) return;
  const answer = await api("POST", address, {}).catch(() => null);
  const seen = answer?.topup ?? answer;
  if (seen && seen.status !== outcome) await refreshRegions().catch(() => {});
  goOn(seen?.url);
  step();
}

/** Shows the way to the page of the card company, while there is one. */
function goOn(url) {
  const link = part("continue");
  if (url) link.href = url;
  link.hidden = !url || FINAL.has(part("outcome").dataset.outcome);
}

function step() {
  clearTimeout(timer);
  if (FINAL.has(part("outcome").dataset.outcome)) {
    part("continue").hidden = true;
    return;
  }
  timer = setTimeout(look, pauseMs);
  pauseMs = Math.min(pauseMs * 1.4, LONGEST_PAUSE_MS);
}

look();
