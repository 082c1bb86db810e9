/**
 * Step-up: what is to be done is said, in the server's words, and confirmed with the passkey or a code of the
 * authenticator app, whichever the account has.
 */

import { api } from "./api.js";
import { keepSession } from "./device.js";
import { part } from "./dom.js";
import { t } from "./i18n.js";
import { PasskeyError, canUsePasskeys, use } from "./passkey.js";

/**
 * Does what `path` does, once the person has agreed and proved who they are. The session gets another token.
 * A wrong code is typed again.
 * @param {string} path
 * @param {object} [request]
 * @returns {Promise<any>} the server's answer
 */
export async function confirmed(path, request = {}) {
  let error = "";
  for (;;) {
    const options = await api("POST", `${path}/options`, request);
    const proof = await proven(options, error);
    try {
      const answer = await api("POST", path, { request, proof });
      await keepSession(answer.session);
      return answer;
    } catch (reason) {
      if (!proof.totp || reason.code !== "proof_failed") throw reason;
      error = t("stepup.wrong_code");
    }
  }
}

/** What shows that it is the customer: the passkey where there is one, else a code. After a wrong code, a code. */
async function proven(options, error) {
  const { totp: challenge } = options;
  const hasPasskey = Boolean(options.publicKey) && canUsePasskeys();
  const code = await agreed(options.confirm, { hasPasskey, hasCode: Boolean(challenge), error });
  return code === null ? { passkey: await use(options) } : { totp: { challenge, code } };
}

/** @returns {Promise<string | null>} the code that was typed; null for the passkey */
function agreed(words, { hasPasskey, hasCode, error }) {
  const dialog = part("stepup-dialog");
  const form = part("stepup-form");
  const { code } = form.elements;
  const ask = (byCode) => {
    part("stepup-field").hidden = !byCode;
    code.required = byCode;
    part("stepup-other").hidden = byCode || !hasCode;
    if (byCode) code.focus();
  };
  form.reset();
  part("stepup-words").textContent = words;
  part("stepup-error").textContent = error;
  return new Promise((resolve, reject) => {
    const controller = new AbortController();
    const { signal } = controller;
    const answer = (act) => (event) => {
      event.preventDefault();
      controller.abort();
      dialog.close();
      act();
    };
    const refuse = answer(() => reject(new PasskeyError("cancelled")));
    form.addEventListener("submit", answer(() => resolve(code.required ? code.value.normalize("NFKC") : null)), { signal });
    part("stepup-other").addEventListener("click", () => ask(true), { signal });
    part("stepup-cancel").addEventListener("click", refuse, { signal });
    dialog.addEventListener("cancel", refuse, { signal });
    dialog.showModal();
    ask(hasCode && (!hasPasskey || error !== ""));
  });
}
