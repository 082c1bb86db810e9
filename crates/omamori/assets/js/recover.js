/**
 * Getting back in: number and recovery code, SMS code, a day, then a new passkey on this phone, or a new
 * password and authenticator app. The page
 * may be closed in between: which recovery it is, is kept here, and its key where keys are kept.
 */

import { api } from "./api.js";
import { keepEnrolment, keepSession, pendingSigner } from "./device.js";
import { canProve, proofHeader, startWorker } from "./dpop.js";
import { copy, datetime, el, part } from "./dom.js";
import { introduce } from "./introduce.js";
import { t } from "./i18n.js";
import { canUsePasskeys, create } from "./passkey.js";
import { countDown } from "./remaining.js";
import { steps } from "./steps.js";
import { aboutCode, aboutPassword, digits, showOffer } from "./totp.js";

const API = "/api/wallet/v1/recover";
const KEPT = "omamori.recovery";

const { show, wire } = steps(part("recover-error"));
/** The recovery under way, as the server names it. */
let recovery = JSON.parse(localStorage.getItem(KEPT) ?? "null");
/** What the last step sends: kept, because an answer that got lost is asked for again. */
let last = null;
/** The new password, while the app is set up. */
let chosen = "";
let worker = null;

if (canProve()) {
  wire("start", start);
  wire("code", verify);
  wire("wait", finishWithPasskey);
  wire("password", choosePassword);
  wire("totp", finishWithPassword);
  part("recover-no-passkey").addEventListener("click", () => show("password"));
  part("recover-back").addEventListener("click", wait);
  part("wait-passkey").hidden = !canUsePasskeys();
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
  const body = { phone: phone.value, recovery_code: digits(code), device };
  const { recovery_id: id } = await send("/start", body, signer);
  recovery = { id };
  show("code");
}

async function verify({ code }) {
  const { ready_at: readyAt } = await send("/verify", { recovery_id: recovery.id, code: digits(code) });
  recovery.readyAt = readyAt;
  localStorage.setItem(KEPT, JSON.stringify(recovery));
  wait();
}

function wait() {
  part("recover-ready").textContent = datetime(recovery.readyAt);
  countDown(part("recover-remaining"), recovery.readyAt, t("remaining.over"));
  show("wait");
}

async function finishWithPasskey() {
  last ??= {
    recovery_id: recovery.id,
    credential: await create(await send("/passkey/options", { recovery_id: recovery.id })),
  };
  await finish("/finish");
}

async function choosePassword({ password }) {
  const asked = { recovery_id: recovery.id, password: password.value };
  const offer = await send("/password/options", asked).catch((reason) => {
    throw aboutPassword(reason);
  });
  showOffer(offer);
  chosen = password.value;
  last = null;
  show("totp");
}

async function finishWithPassword({ totp }) {
  last ??= { recovery_id: recovery.id, password: chosen, totp: digits(totp) };
  await finish("/password/finish").catch((reason) => {
    throw aboutCode(reason);
  });
}

async function finish(path) {
  const done = await send(path, last).catch((reason) => {
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
