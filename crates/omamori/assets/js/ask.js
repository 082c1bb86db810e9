/** Asking for money: one person, or several for their shares of a bill. */

import { wireActs } from "./acts.js";
import { api } from "./api.js";
import { busy, copy, el, part, yen } from "./dom.js";
import { t } from "./i18n.js";
import { followWallet } from "./wallet.js";

const PEOPLE_MAX = 20;
const form = part("ask");
let requestId = crypto.randomUUID();

followWallet();
wireActs();
addPayer();
part("add").addEventListener("click", addPayer);
form.addEventListener("input", showShare);
form.addEventListener("submit", (event) => {
  event.preventDefault();
  busy(form.querySelector("[type=submit]"), ask).catch((error) => {
    part("error").textContent = error.text;
    if (!error.unknown) requestId = crypto.randomUUID(); // nothing happened under the old one
  });
});
document.addEventListener("click", ({ target }) => {
  const { copyLink } = target.closest("[data-copy-link]")?.dataset ?? {};
  if (copyLink) copy(copyLink);
});

function addPayer() {
  const payers = part("payers");
  if (payers.querySelectorAll(".payer").length >= PEOPLE_MAX) return;
  const field = (name, label, type) =>
    el("label", { class: "field" }, el("span", { class: "field__label" }, label),
      el("input", { class: "field__input", name, type, autocomplete: "off", maxlength: 30 }));
  const payer = el("div", { class: "payer" },
    field("name", t("ask.name"), "text"),
    field("phone", t("ask.phone"), "tel"));
  payer.append(el("button", { class: "link", type: "button", onclick: () => drop(payer) }, t("ask.remove")));
  payers.append(payer);
  showShare();
}

function drop(payer) {
  if (part("payers").querySelectorAll(".payer").length > 1) payer.remove();
  showShare();
}

function entered() {
  const people = [...part("payers").querySelectorAll(".payer")].map((payer) => {
    const [name, phone] = payer.querySelectorAll("input");
    return { name: name.value, ...(phone.value.trim() ? { phone: phone.value } : {}) };
  });
  return {
    total: Number(form.elements.total.value.replace(/[^0-9]/g, "")),
    with_me: form.elements.with_me.checked,
    people,
    message: form.elements.message.value,
  };
}

/** The same rule as the server's: what does not divide is the asker's. */
function showShare() {
  const { total, with_me: withMe, people } = entered();
  const share = Math.floor(total / (people.length + (withMe ? 1 : 0)));
  const place = part("share");
  place.hidden = share < 1;
  const own = yen(total - share * people.length);
  place.textContent = t("ask.share", { share: yen(share), own });
}

async function ask() {
  part("error").textContent = "";
  await api("POST", "/api/wallet/v1/money-requests", { client_request_id: requestId, ...entered() });
  location.reload();
}
