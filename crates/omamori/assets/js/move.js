/**
 * Moving to this phone: the passkey, then the code from the SMS or a recovery code; or the number, and then
 * the code together with the password and the authenticator app.
 */

import { api } from "./api.js";
import { keepEnrolment, keepSession } from "./device.js";
import { canProve, proofHeader, startWorker } from "./dpop.js";
import { part } from "./dom.js";
import { t } from "./i18n.js";
import { introduce } from "./introduce.js";
import { canUsePasskeys, use } from "./passkey.js";
import { steps } from "./steps.js";
import { digits } from "./totp.js";

const API = "/api/wallet/v1/move";

const { show, wire } = steps(part("move-error"));
/** The move under way: its id, the key it is bound to, and whether the password is still to be shown. */
let move = null;

if (canProve()) {
  wire("passkey", startWithPasskey);
  wire("number", startWithNumber);
  wire("code", finish);
  part("move-again").addEventListener("click", () => show(move.byPassword ? "number" : "passkey"));
  part("move-by-password").addEventListener("click", () => show("number"));
  part("move-by-passkey").addEventListener("click", () => show("passkey"));
  part("move-by-passkey").hidden = !canUsePasskeys();
  if (!canUsePasskeys()) show("number");
} else {
  part("move-unsupported").hidden = false;
}

async function startWithPasskey() {
  const credential = await use(await api("POST", `${API}/options`));
  await start("/start", { credential }, false);
}

async function startWithNumber({ phone }) {
  await start("/password/start", { phone: phone.value }, true).catch((reason) => {
    throw reason.code === "invalid_request" ? { text: t("signup.phone_wrong") } : reason;
  });
}

async function start(end, proof, byPassword) {
  const { signer, device } = await introduce();
  const path = `${API}${end}`;
  const started = await api("POST", path, { ...proof, device }, await proofHeader("POST", path, signer));
  move = { id: started.move_id, signer, byPassword };
  part("move-phone").textContent = started.phone_masked;
  part("move-sent").hidden = byPassword;
  part("move-maybe-sent").hidden = !byPassword;
  const factors = part("move-factors");
  factors.hidden = factors.disabled = !byPassword;
  show("code");
}

async function finish({ code, password, totp }) {
  const path = `${API}/finish`;
  const body = { move_id: move.id, code: digits(code) };
  if (move.byPassword) Object.assign(body, { password: password.value, totp: digits(totp) });
  const done = await api("POST", path, body, await proofHeader("POST", path, move.signer)).catch((reason) => {
    throw move.byPassword && reason.code === "proof_failed" ? { text: t("move.wrong") } : reason;
  });
  await keepEnrolment(done.device);
  await keepSession(done.session);
  await startWorker().catch(() => {}); // the next page starts it otherwise
  location.assign("/");
}
