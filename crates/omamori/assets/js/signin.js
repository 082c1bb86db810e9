/** Sign-in on the phone that the account is bound to. */

import { api } from "./api.js";
import { deviceSigner, keepSession } from "./device.js";
import { canProve, proofHeader, startWorker } from "./dpop.js";
import { busy, part } from "./dom.js";
import { cameBack, goesToIssuers } from "./external.js";
import { t } from "./i18n.js";
import { usePasskey } from "./passkey.js";
import { placeAfterSignin } from "./return.js";
import { work } from "./work.js";

const PASSWORD = "/api/wallet/v1/signin/password";
const EXTERNAL = "/api/wallet/v1/signin/external";

const stranger = part("signin-stranger");
const error = part("signin-error");
const button = part("signin-start");

const signer = canProve() ? await deviceSigner().catch(() => null) : null;
stranger.hidden = signer !== null;
button.disabled = signer === null;
part("signin-password").hidden = signer === null;

button.addEventListener("click", () => {
  error.textContent = "";
  busy(button, signIn).catch((reason) => {
    error.textContent = reason.text ?? t("passkey.failed");
  });
});

const form = part("signin-form");
form.addEventListener("submit", (event) => {
  event.preventDefault();
  error.textContent = "";
  busy(form.querySelector("[type=submit]"), signInWithPassword).catch((reason) => {
    error.textContent = reason.code === "proof_failed" ? t("password.wrong") : (reason.text ?? t("error.text"));
  });
});

const external = part("external-form");
if (external && signer) {
  part("external").hidden = false;
  goesToIssuers(`${EXTERNAL}/start`, (text) => {
    error.textContent = text;
  }, undefined, () => proofHeader("POST", `${EXTERNAL}/start`, signer));
  external.addEventListener("submit", (event) => {
    event.preventDefault();
    part("external-error").textContent = "";
    busy(external.querySelector("[type=submit]"), signInFromIssuer).catch((reason) => {
      part("external-error").textContent = reason.code === "proof_failed" ? t("external.wrong") : (reason.text ?? t("error.text"));
    });
  });
  if (cameBack()) {
    for (const name of ["signin-start", "signin-lead", "signin-password", "external"]) part(name).hidden = true;
    external.hidden = false;
    external.elements.totp.focus();
  }
}

async function signInFromIssuer() {
  const totp = external.elements.totp.value.normalize("NFKC");
  const { session } = await api("POST", EXTERNAL, { totp }, await proofHeader("POST", EXTERNAL, signer));
  await enter(session);
}

async function signIn() {
  const { session } = await usePasskey("/api/wallet/v1/signin", (method, path) => proofHeader(method, path, signer));
  await enter(session);
}

async function signInWithPassword() {
  const { phone, password, totp } = form.elements;
  const typed = { phone: phone.value, password: password.value, totp: totp.value.normalize("NFKC") };
  const proof = await proofHeader("POST", PASSWORD, signer);
  const answer = await api("POST", PASSWORD, typed, proof).catch(async (reason) => {
    if (reason.code !== "work_required") throw reason;
    return api("POST", PASSWORD, typed, { ...proof, "omamori-work": await work(proof.dpop) });
  });
  await enter(answer.session);
}

async function enter(session) {
  await keepSession(session);
  await startWorker().catch(() => {}); // the next page starts it otherwise
  location.assign(placeAfterSignin());
}
