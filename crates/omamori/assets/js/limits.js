/** Limits of the customer's own: lower at once, higher after a confirmation and a day. */

import { api } from "./api.js";
import { busy, part, toast, yen } from "./dom.js";
import { t } from "./i18n.js";
import { refreshRegions } from "./regions.js";
import { confirmed } from "./stepup.js";
import { followWallet } from "./wallet.js";

const API = "/api/wallet/v1/limits";

followWallet();

const dialog = part("limit-dialog");
const form = part("limit-form");
/** The limit that the dialog is about. */
let changing = null;

document.addEventListener("click", (event) => {
  const change = event.target.closest("[data-limit-change]");
  if (change) return open(change.dataset);
  const keep = event.target.closest("[data-limit-keep]");
  if (keep) busy(keep, () => callOff(keep.dataset.limitKeep)).catch(complain);
});

function open({ limitChange: limit, name, yen: now, operators }) {
  changing = { limit, now: Number(now), most: Number(operators) };
  part("limit-name").textContent = name;
  part("limit-operators").textContent = yen(Number(operators));
  part("limit-error").textContent = "";
  form.elements.yen.value = now;
  dialog.showModal();
  form.elements.yen.select();
}

part("limit-cancel").addEventListener("click", () => dialog.close());

form.addEventListener("submit", (event) => {
  event.preventDefault();
  busy(event.submitter, save).catch((error) => {
    part("limit-error").textContent = error.text ?? t("error.text");
  });
});

async function save() {
  const wanted = Number(form.elements.yen.value.normalize("NFKC").replaceAll(",", ""));
  const { limit, now, most } = changing;
  if (wanted === now || wanted > most) {
    const error = wanted > most ? t("limit.too_high", { yen: yen(most) }) : t("limit.same");
    part("limit-error").textContent = error;
    return;
  }
  if (wanted < now) await api("POST", `${API}/lower`, { limit, yen: wanted });
  else await confirmed(`${API}/raise`, { limit, yen: wanted });
  dialog.close();
  toast(t(wanted < now ? "limit.lowered" : "limit.raise_asked"));
  await refreshRegions();
}

async function callOff(limit) {
  await api("POST", `${API}/keep`, { limit });
  toast(t("limit.kept"));
  await refreshRegions();
}

function complain(error) {
  toast(error.text ?? t("error.text"));
}
