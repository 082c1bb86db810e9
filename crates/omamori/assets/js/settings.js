/** Settings: contacts, phones, sessions, recovery codes, stop and sign-out. */

import { complain, reloaded, submits, wire, wireClosing } from "./acts.js";
import { api } from "./api.js";
import { copy, el, part } from "./dom.js";
import { cameBack } from "./external.js";
import { t } from "./i18n.js";
import { countDown } from "./remaining.js";
import { confirmed } from "./stepup.js";
import { followWallet } from "./wallet.js";

const API = "/api/wallet/v1";

followWallet();

const codesDialog = part("recovery-dialog");
const signoutDialog = part("signout-dialog");
const contactDialog = part("contact-dialog");
const renameDialog = part("rename-dialog");
/** The contact that is being changed. */
let contact = null;

wire("recovery-new", newCodes);
part("recovery-copy").addEventListener("click", () => {
  copy([...part("recovery-codes").children].map((line) => line.textContent).join("\n"));
});
// Escape would take away codes that nobody has written down yet.
codesDialog.addEventListener("cancel", (event) => event.preventDefault());
part("recovery-close").addEventListener("click", () => location.reload());

part("signout").addEventListener("click", () => signoutDialog.showModal());
part("signout-cancel").addEventListener("click", () => signoutDialog.close());
wire("signout-confirm", async () => {
  await api("POST", `${API}/signout`);
  location.assign("/");
});

wire("account-stop", () => reloaded(api("POST", `${API}/account/stop`)));
wire("account-resume", () => reloaded(confirmed(`${API}/account/resume`)));
const cooling = part("recover-ready-at");
if (cooling) countDown(cooling, cooling.dataset.recoverReadyAt, t("remaining.over"));
wire("recover-cancel", () => reloaded(api("POST", `${API}/recover/cancel`)));
for (const choice of document.querySelectorAll("[data-money-mail]")) {
  choice.addEventListener("change", () =>
    api("POST", `${API}/notices/money-mail`, { on: choice.checked }).catch((error) => {
      choice.checked = !choice.checked;
      complain(error);
    }),
  );
}
wire("sessions-end-others", () => reloaded(api("POST", `${API}/sessions/end-others`)));
wire("session-end", ({ dataset }) => reloaded(api("POST", `${API}/sessions/end`, { session_id: dataset.sessionEnd })));
wire("device-end", ({ dataset }) => reloaded(confirmed(`${API}/devices/end`, { device_id: dataset.deviceEnd })));

wire("external-link", async ({ dataset }) => {
  const { address } = await confirmed(`${API}/external/link`, { provider: dataset.externalLink }).catch((reason) => {
    throw reason.code === "forbidden" ? { text: t("external.needs_app") } : reason;
  });
  location.assign(address);
});
wire("external-unlink", ({ dataset }) =>
  reloaded(confirmed(`${API}/external/unlink`, { provider: dataset.externalUnlink })).catch((reason) => {
    throw reason.code === "forbidden" ? { text: t("external.last") } : reason;
  }),
);
if (cameBack()) {
  reloaded(api("POST", `${API}/external/link/finish`, {})).catch((reason) => {
    complain(reason.code === "proof_failed" ? { text: t("external.link_failed") } : reason);
  });
}

wire("device-rename", ({ dataset }) => {
  const { elements } = renameDialog.querySelector("form");
  elements.device_id.value = dataset.deviceRename;
  elements.name.value = dataset.name;
  renameDialog.showModal();
});
submits(renameDialog.querySelector("form"), ({ device_id: id, name }) =>
  reloaded(api("POST", `${API}/devices/rename`, { device_id: id.value, name: name.value })),
);

wire("contact-change", ({ dataset }) => {
  contact = { kind: dataset.contactChange };
  for (const form of contactDialog.querySelectorAll("form")) {
    form.reset();
    form.hidden = form.dataset.contactForm !== contact.kind;
  }
  contactDialog.showModal();
});
for (const form of contactDialog.querySelectorAll("form:not([data-contact-form=code])")) {
  submits(form, async ({ value }) => {
    contactDialog.close(); // the confirmation has a dialog of its own
    const begun = await confirmed(`${API}/contacts/change`, { kind: contact.kind, value: value.value });
    contact.checkId = begun.check_id;
    form.hidden = true;
    contactDialog.querySelector("[data-contact-form=code]").hidden = false;
    contactDialog.showModal();
  });
}
submits(contactDialog.querySelector("[data-contact-form=code]"), ({ code }) => {
  const body = { check_id: contact.checkId, code: code.value.normalize("NFKC") };
  return reloaded(api("POST", `${API}/contacts/confirm`, body));
});
wireClosing();

async function newCodes() {
  const { recovery_codes: codes } = await confirmed(`${API}/recovery-codes`);
  part("recovery-codes").replaceChildren(...codes.map((code) => el("li", {}, code)));
  codesDialog.showModal();
}
