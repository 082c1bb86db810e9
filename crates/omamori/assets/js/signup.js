/**
 * Sign-up: number, code, passkey (or password and authenticator app) and phone, recovery codes. The
 * server keeps the order of the steps.
 */

import { api } from "./api.js";
import { keepEnrolment, keepSession } from "./device.js";
import { canProve, proofHeader, startWorker } from "./dpop.js";
import { copy, el, part } from "./dom.js";
import { cameBack, goesToIssuers } from "./external.js";
import { t } from "./i18n.js";
import { introduce } from "./introduce.js";
import { canUsePasskeys, create } from "./passkey.js";
import { placeAfterSignin } from "./return.js";
import { steps } from "./steps.js";
import { aboutCode, aboutPassword, digits, showOffer } from "./totp.js";

const API = "/api/wallet/v1/signup";

const error = part("signup-error");
const { show, wire } = steps(error);
/** The sign-up under way, as the server names it. */
let signupId = null;
/** Whether an account elsewhere stands in for the password. */
let external = false;
/** What the last step sends: kept, because an answer that got lost is asked for again. */
let finish = null;
/** The start of the service worker, which the next page needs. */
let worker = null;

if (canProve()) {
  wire("phone", start);
  wire("code", verify);
  wire("passkey", () => register("finish", makePasskeyAndKeys));
  wire("password", choosePassword);
  wire("totp", () => register(external ? "external/finish" : "password/finish", appAndKeys));
  wire("codes", async () => {
    await worker;
    location.assign(placeAfterSignin());
  });
  goesToIssuers(`${API}/external/start`, (text) => {
    error.textContent = text;
  }, async () => ({ signup_id: signupId }));
  if (cameBack()) {
    goOnFromIssuer().catch((reason) => {
      error.textContent = reason.text ?? t("error.text");
    });
  }
  part("signup-no-passkey").addEventListener("click", () => show("password"));
  part("password-show").addEventListener("change", ({ target }) => {
    step("password").elements.password.type = target.checked ? "text" : "password";
  });
  part("signup-again").addEventListener("click", () => show("phone"));
  part("signup-copy").addEventListener("click", () => {
    copy([...part("signup-codes").children].map((line) => line.textContent).join("\n"));
  });
} else {
  part("signup-unsupported").hidden = false;
  part("step").hidden = true;
}

function step(name) {
  return document.querySelector(`[data-step="${name}"]`);
}

async function start({ phone }) {
  try {
    ({ signup_id: signupId } = await api("POST", `${API}/start`, { phone: phone.value }));
  } catch (reason) {
    // The same page shows the place in the queue.
    if (reason.code === "waiting_room") return location.reload();
    throw reason.code === "invalid_request" ? { text: t("signup.phone_wrong") } : reason;
  }
  part("signup-phone").textContent = phone.value;
  step("password").elements.username.value = phone.value;
  finish = null;
  step("code").reset();
  show("code");
}

async function verify({ code }) {
  await api("POST", `${API}/verify`, { signup_id: signupId, code: digits(code) });
  show(canUsePasskeys() ? "passkey" : "password");
}

/** The password goes first: only a good one is worth setting up an app for. */
async function choosePassword({ password }) {
  const asked = { signup_id: signupId, password: password.value };
  const offer = await startOver(api("POST", `${API}/password/options`, asked)).catch((reason) => {
    throw aboutPassword(reason);
  });
  external = false;
  showApp(offer);
}

/** The page was left for the issuer; the server knows which sign-up goes on. */
async function goOnFromIssuer() {
  const offer = await startOver(api("POST", `${API}/external/options`, {}));
  signupId = offer.signup_id;
  external = true;
  showApp(offer);
}

function showApp(offer) {
  showOffer(offer);
  finish = null;
  step("totp").reset();
  show("totp");
}

async function register(end, make) {
  finish ??= await make();
  const path = `${API}/${end}`;
  const headers = await proofHeader("POST", path, finish.signer);
  const done = await finished(api("POST", path, finish.body, headers));
  await keepEnrolment(done.device);
  await keepSession(done.session);
  part("signup-codes").replaceChildren(...done.recovery_codes.map((line) => el("li", {}, line)));
  show("codes");
  worker = startWorker().catch(() => {}); // the next page starts it otherwise
}

/** A wrong code of the app is typed again; with a passkey there is nothing to type. */
async function finished(answer) {
  if (finish.body.credential) return startOver(answer);
  try {
    return await answer;
  } catch (reason) {
    if (!reason.unknown) finish = null;
    throw aboutCode(reason);
  }
}

async function appAndKeys() {
  const { signer, device } = await introduce();
  const body = { signup_id: signupId, totp: digits(step("totp").elements.totp), device };
  if (!external) body.password = step("password").elements.password.value;
  return { signer, body };
}

async function makePasskeyAndKeys() {
  const options = await startOver(api("POST", `${API}/passkey/options`, { signup_id: signupId }));
  const credential = await create(options);
  const { signer, device } = await introduce();
  return { signer, body: { signup_id: signupId, credential, device } };
}

/** A sign-up whose time is over, or whose number is taken, begins again. */
async function startOver(answer) {
  try {
    return await answer;
  } catch (reason) {
    if (reason.code !== "proof_failed") throw reason;
    show("phone");
    throw { text: t("signup.expired") };
  }
}
