/** The account for payouts: what is wrong is said at its field, then the passkey is asked. */

import { busy, part, toast } from "../dom.js";
import { t } from "../i18n.js";
import { refreshRegions } from "../regions.js";
import { confirmed, told } from "./confirm.js";

const form = part("bank-form");
const error = part("bank-error");

function show(reason) {
  const [wrong] = reason.fields ?? [];
  const input = wrong && form.elements.namedItem(wrong.field);
  if (!input) {
    error.textContent = told(reason);
    return;
  }
  error.textContent = t(`payto.wrong_${wrong.field}`);
  input.setAttribute("aria-invalid", "true");
  input.focus();
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  error.textContent = "";
  for (const input of form.elements) input.removeAttribute("aria-invalid");
  const account = Object.fromEntries([...new FormData(form)].map(([k, v]) => [k, v.trim()]));
  busy(event.submitter, async () => {
    try {
      await confirmed("/api/merchant/v1/bank", account);
      form.reset();
      toast(t("payto.saved"));
      await refreshRegions();
    } catch (reason) {
      show(reason);
    }
  });
});
