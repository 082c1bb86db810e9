/** Auto top-up: setting it, by way of the card's bank, and turning it off with one tap. */

import { api } from "./api.js";
import { busy, part, toast } from "./dom.js";
import { t } from "./i18n.js";
import { refreshRegions } from "./regions.js";
import { confirmed } from "./stepup.js";
import { followWallet } from "./wallet.js";

const API = "/api/wallet/v1/topups/auto";

followWallet();

/** One for each try of the customer: however often the button is pressed, it is one consent. */
let requestId = crypto.randomUUID();

part("auto-form")?.addEventListener("submit", (event) => {
  event.preventDefault();
  const form = event.target;
  busy(form.querySelector("[type=submit]"), () => set(form.elements)).catch((error) => {
    if (!error.unknown) requestId = crypto.randomUUID();
    part("auto-error").textContent = error.text ?? t("error.text");
  });
});

async function set({ card_id: card, threshold, amount, month_max: month }) {
  part("auto-error").textContent = "";
  const { consent } = await confirmed(API, {
    request_id: requestId,
    card_id: card.value,
    threshold: Number(threshold.value),
    amount: Number(amount.value),
    month_max: Number(month.value),
  });
  location.assign(consent.url ?? `/topup/auto/consent/${encodeURIComponent(consent.consent_id)}`);
}

document.addEventListener("click", (event) => {
  const off = event.target.closest("[data-auto-off]");
  if (!off) return;
  busy(off, async () => {
    await api("POST", `${API}/off`, {});
    toast(t("auto.turned_off"));
    await refreshRegions();
  }).catch((error) => toast(error.text ?? t("error.text")));
});
