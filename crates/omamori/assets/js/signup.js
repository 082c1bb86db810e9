/** Sign-up: number, code, passkey and phone, recovery codes. The server keeps the order of the steps. */

import { api } from "./api.js";
import { keepEnrolment, keepSession, makeKeys } from "./device.js";
import { canProve, proofHeader, startWorker } from "./dpop.js";
import { busy, copy, el, part } from "./dom.js";
import { t } from "./i18n.js";
import { canUsePasskeys, create } from "./passkey.js";

const API = "/api/wallet/v1/signup";

const error = part("signup-error");
/** The sign-up under way, as the server names it. */
let signupId = null;
/** What the last step sends: kept, because an answer that got lost is asked for again. */
let finish = null;
/** The start of the service worker, which the next page needs. */
let worker = null;

if (canProve() && canUsePasskeys()) {
  wire("phone", start);
  wire("code", verify);
  wire("passkey", register);
  wire("codes", async () => {
    await worker;
    location.assign("/");
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

/** One submit at a time; what goes wrong is said on the page. */
function wire(name, act) {
  const form = step(name);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const button = event.submitter ?? form.querySelector("[type=submit]");
    error.textContent = "";
    busy(button, () => act(form.elements)).catch((reason) => {
      error.textContent = reason.text ?? t("error.text");
    });
  });
}

function show(name) {
  error.textContent = "";
  for (const form of document.querySelectorAll("[data-step]")) form.hidden = form.dataset.step !== name;
  step(name).querySelector("input, [type=submit]").focus();
}

async function start({ phone }) {
  try {
    ({ signup_id: signupId } = await api("POST", `${API}/start`, { phone: phone.value }));
  } catch (reason) {
    throw reason.code === "invalid_request" ? { text: t("signup.phone_wrong") } : reason;
  }
  part("signup-phone").textContent = phone.value;
  finish = null;
  step("code").reset();
  show("code");
}

async function verify({ code }) {
  const digits = code.value.normalize("NFKC"); // full-width digits, as Japanese keyboards type them
  await api("POST", `${API}/verify`, { signup_id: signupId, code: digits });
  show("passkey");
}

async function register() {
  finish ??= await makePasskeyAndKeys();
  const path = `${API}/finish`;
  const headers = await proofHeader("POST", path, finish.signer);
  const done = await startOver(api("POST", path, finish.body, headers));
  await keepEnrolment(done.device);
  await keepSession(done.session);
  part("signup-codes").replaceChildren(...done.recovery_codes.map((line) => el("li", {}, line)));
  show("codes");
  worker = startWorker().catch(() => {}); // the next page starts it otherwise
}

async function makePasskeyAndKeys() {
  const options = await startOver(api("POST", `${API}/passkey/options`, { signup_id: signupId }));
  const credential = await create(options);
  const { signer, agreement } = await makeKeys().catch(() => {
    throw { text: t("signup.storage") };
  });
  const device = { name: phoneName(), sign_key: signer.jwk, agree_key: agreement.jwk };
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

/** What this phone is called in the settings. */
function phoneName() {
  const { brand } = navigator.userAgentData?.brands?.find(({ brand }) => !/not.?a.?brand|chromium/i.test(brand)) ?? {};
  const system = navigator.userAgentData?.platform || /iPhone|iPad|Android|Windows|Mac OS X|Linux/.exec(navigator.userAgent)?.[0];
  return [system?.replace("Mac OS X", "macOS"), brand].filter(Boolean).join(" · ") || "Web";
}
