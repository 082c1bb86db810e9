/** Staff: sign in with a passkey, or make one from an invitation. */

import { api } from "../api.js";
import { busy, part } from "../dom.js";
import { t } from "../i18n.js";
import { create, usePasskey } from "../passkey.js";

const error = part("error");
const form = part("invite-form");

async function attempt(button, act) {
  error.textContent = "";
  await busy(button, async () => {
    try {
      await act();
      location.reload(); // the page that was asked for, now with a session
    } catch (reason) {
      error.textContent = reason.code === "proof_failed" ? t("console.signin_failed") : reason.text;
    }
  });
}

part("signin").addEventListener("click", (event) => {
  attempt(event.currentTarget, () => usePasskey("/api/admin/v1/signin"));
});

form.addEventListener("submit", (event) => {
  event.preventDefault();
  attempt(event.submitter, async () => {
    const invite = form.elements.invite.value.trim();
    const credential = await create(await api("POST", "/api/admin/v1/enrol/options", { invite }));
    await api("POST", "/api/admin/v1/enrol/finish", { invite, credential });
  });
});

// Behind the # it was sent to nobody; now it leaves the address bar and the history too.
const invite = new URLSearchParams(location.hash.slice(1)).get("invite");
if (invite) {
  history.replaceState(null, "", location.pathname);
  form.elements.invite.value = invite;
  part("invite-panel").open = true;
}
