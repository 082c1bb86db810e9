/** Merchant staff: sign in with a passkey, or make one from an invitation. */

import { busy, part } from "../dom.js";
import { t } from "../i18n.js";
import { createPasskey, usePasskey } from "../passkey.js";

const error = part("error");

async function attempt(button, act) {
  error.textContent = "";
  await busy(button, async () => {
    try {
      await act();
      location.assign("/merchant");
    } catch (reason) {
      error.textContent = reason.status ? reason.text : t("merchant.passkey_failed");
    }
  });
}

part("signin")?.addEventListener("click", (event) => {
  attempt(event.currentTarget, () => usePasskey("/api/merchant/v1/signin"));
});

const form = part("invite-form");
form?.addEventListener("submit", (event) => {
  event.preventDefault();
  const person = { invite: form.dataset.invite, name: form.elements.name.value };
  attempt(event.submitter, () => createPasskey("/api/merchant/v1/invites", person));
});
