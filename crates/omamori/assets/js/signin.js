/** Sign-in on the phone that the account is bound to. */

import { deviceSigner, keepSession } from "./device.js";
import { canProve, proofHeader, startWorker } from "./dpop.js";
import { busy, part } from "./dom.js";
import { t } from "./i18n.js";
import { usePasskey } from "./passkey.js";

const stranger = part("signin-stranger");
const error = part("signin-error");
const button = part("signin-start");

const signer = canProve() ? await deviceSigner().catch(() => null) : null;
stranger.hidden = signer !== null;
button.disabled = signer === null;

button.addEventListener("click", () => {
  error.textContent = "";
  busy(button, signIn).catch((reason) => {
    error.textContent = reason.text ?? t("passkey.failed");
  });
});

async function signIn() {
  const { session } = await usePasskey("/api/wallet/v1/signin", (method, path) => proofHeader(method, path, signer));
  await keepSession(session);
  await startWorker().catch(() => {}); // the next page starts it otherwise
  location.assign("/");
}
