/** Cash at an ATM: the code for those that read it, the number of those that show one. */

import { api } from "./api.js";
import { renew, startCode } from "./codecard.js";
import { busy, part, toast, yen } from "./dom.js";
import { t } from "./i18n.js";
import { refreshRegions } from "./regions.js";
import { followWallet } from "./wallet.js";

const API = "/api/wallet/v1/atm";

startCode();
followWallet((entry) => {
  if (entry.kind === "topup_atm") renew();
});

const dialog = part("atm-dialog");
/** The number that was typed, and the ATM that was shown for it. */
let shown = null;

document.addEventListener("submit", (event) => {
  const form = event.target.closest("[data-atm-form]");
  if (!form) return;
  event.preventDefault();
  busy(form.querySelector("[type=submit]"), () => find(form)).catch((error) => {
    part("atm-error").textContent = error.text ?? t("error.text");
  });
});

async function find(form) {
  part("atm-error").textContent = "";
  const number = form.elements.number.value.normalize("NFKC").replaceAll(/\s/g, "");
  const atm = await api("POST", `${API}/find`, { number });
  shown = { number, session_id: atm.session_id };
  part("atm-store").textContent = atm.store_name;
  part("atm-name").textContent = atm.atm_name;
  part("atm-range").textContent = `${yen(atm.amount_unit)} – ${yen(atm.amount_max)}`;
  part("atm-ask-error").textContent = "";
  part("atm-agree").disabled = atm.amount_max < atm.amount_unit;
  dialog.showModal();
}

part("atm-cancel").addEventListener("click", () => dialog.close());

part("atm-agree").addEventListener("click", ({ target }) =>
  busy(target, async () => {
    await api("POST", `${API}/claim`, shown);
    dialog.close();
    await refreshRegions();
  }).catch((error) => {
    part("atm-ask-error").textContent = error.text ?? t("error.text");
  }),
);

document.addEventListener("click", (event) => {
  const leave = event.target.closest("[data-atm-leave]");
  if (!leave) return;
  busy(leave, async () => {
    await api("POST", `${API}/leave`, {});
    toast(t("atm.left"));
    await refreshRegions();
  }).catch((error) => toast(error.text ?? t("error.text")));
});
