/** Moving to this phone: the passkey, then the code from the SMS or a recovery code. */

import { api } from "./api.js";
import { keepEnrolment, keepSession } from "./device.js";
import { canProve, proofHeader, startWorker } from "./dpop.js";
import { part } from "./dom.js";
import { introduce } from "./introduce.js";
import { canUsePasskeys, use } from "./passkey.js";
import { steps } from "./steps.js";

const API = "/api/wallet/v1/move";

const { show, wire } = steps(part("move-error"));
/** The move under way: its id, and the key it is bound to. */
let move = null;

if (canProve() && canUsePasskeys()) {
  wire("passkey", start);
  wire("code", finish);
  part("move-again").addEventListener("click", () => show("passkey"));
} else {
  part("move-unsupported").hidden = false;
}

async function start() {
  const credential = await use(await api("POST", `${API}/options`));
  const { signer, device } = await introduce();
  const path = `${API}/start`;
  const started = await api("POST", path, { credential, device }, await proofHeader("POST", path, signer));
  move = { id: started.move_id, signer };
  part("move-phone").textContent = started.phone_masked;
  show("code");
}

async function finish({ code }) {
  const path = `${API}/finish`;
  const body = { move_id: move.id, code: code.value.normalize("NFKC").trim() };
  const done = await api("POST", path, body, await proofHeader("POST", path, move.signer));
  await keepEnrolment(done.device);
  await keepSession(done.session);
  await startWorker().catch(() => {}); // the next page starts it otherwise
  location.assign("/");
}
