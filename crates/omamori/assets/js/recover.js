/**
 * Getting back in: number and recovery code, SMS code, a day, then a new passkey on this phone. The page
 * may be closed in between: which recovery it is, is kept here, and its key where keys are kept.
 */

import { api } from "./api.js";
import { keepEnrolment, keepSession, pendingSigner } from "./device.js";
import { canProve, proofHeader, startWorker } from "./dpop.js";
import { copy, datetime, el, part } from "./dom.js";
import { introduce } from "./introduce.js";
import { canUsePasskeys, create } from "./passkey.js";
import { steps } from "./steps.js";

const API = "/api/wallet/v1/recover";
const KEPT = "omamori.recovery";

const { show, wire } = steps(part("recover-error"));
/** The recovery under way, as the server names it. */
let recovery = JSON.parse(localStorage.getItem(KEPT) ?? "null");
/** What the last step sends: kept, because an answer that got lost is asked for again. */
let last = null;
let worker = null;

if (canProve() && canUsePasskeys()) {
  wire("start", start);
  wire("code", verify);
  wire("wait", finish);
  wire("codes", async () => {
    await worker;
    location.assign("/");
  });
  part("recover-again").addEventListener("click", () => show("start"));
  part("recover-forget").addEventListener("click", () => {
    localStorage.removeItem(KEPT);
    show("start");
  });
  part("recover-copy").addEventListener("click", () => {
    copy([...part("recover-codes").children].map((line) => line.textContent).join("\n"));
  });
  if (recovery) wait();
} else {
  part("recover-unsupported").hidden = false;
}

async function send(path, body, signer) {
  signer ??= await pendingSigner();
  return api("POST", `${API}${path}`, body, await proofHeader("POST", `${API}${path}`, signer));
}

async function start({ phone, recovery_code: code }) {
  const { signer, device } = await introduce();
  const body = { phone: phone.value, recovery_code: code.value.normalize("NFKC"), device };
  const { recovery_id: id } = await send("/start", body, signer);
  recovery = { id };
  show("code");
}

async function verify({ code }) {
  const digits = code.value.normalize("NFKC");
  const { ready_at: readyAt } = await send("/verify", { recovery_id: recovery.id, code: digits });
  recovery.readyAt = readyAt;
  localStorage.setItem(KEPT, JSON.stringify(recovery));
  wait();
}

function wait() {
  part("recover-ready").textContent = datetime(recovery.readyAt);
  show("wait");
}

async function finish() {
  if (!last) {
    const credential = await create(await send("/passkey/options", { recovery_id: recovery.id }));
    last = { recovery_id: recovery.id, credential };
  }
  const done = await send("/finish", last).catch((reason) => {
    if (!reason.unknown) last = null;
    throw reason;
  });
  await keepEnrolment(done.device);
  await keepSession(done.session);
  localStorage.removeItem(KEPT);
  part("recover-codes").replaceChildren(...done.recovery_codes.map((line) => el("li", {}, line)));
  show("codes");
  worker = startWorker().catch(() => {}); // the next page starts it otherwise
}
