/** Top-up by card: which card, how much, and the way to the card company and back. */

import { api } from "./api.js";
import { busy, part, toast } from "./dom.js";
import { t } from "./i18n.js";
import { confirmed } from "./stepup.js";
import { followWallet } from "./wallet.js";

const API = "/api/wallet/v1";

followWallet();

/** One for each visit of the page: however often a button is pressed, it is one top-up. */
const requestId = crypto.randomUUID();
const removeDialog = part("card-remove-dialog");
let removing = null;

for (const button of document.querySelectorAll("[data-card-register]")) {
  button.addEventListener("click", () =>
    busy(button, async () => {
      const begun = await confirmed(`${API}/cards/register`);
      location.assign(begun.url);
    }).catch(complain),
  );
}

part("card-topup")?.addEventListener("submit", (event) => {
  event.preventDefault();
  const form = event.target;
  const { card_id: card, amount } = form.elements;
  const request = { request_id: requestId, card_id: card.value, amount: Number(amount.value) };
  busy(form.querySelector("[type=submit]"), () => topUp(request)).catch(complain);
});

async function topUp(request) {
  const { topup } = await confirmed(`${API}/topups/card`, request);
  location.assign(topup.url ?? `/topup/card/${encodeURIComponent(topup.topup_id)}`);
}

for (const button of document.querySelectorAll("[data-card-remove]")) {
  button.addEventListener("click", () => {
    removing = button.dataset.cardRemove;
    removeDialog.showModal();
  });
}
part("card-remove-cancel").addEventListener("click", () => removeDialog.close());
part("card-remove-confirm").addEventListener("click", ({ target }) =>
  busy(target, async () => {
    await api("POST", `${API}/cards/${encodeURIComponent(removing)}/remove`, {});
    location.reload();
  }).catch(complain),
);

function complain(error) {
  toast(error.text ?? t("error.text"));
}
