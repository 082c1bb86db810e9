/** The rest comes back as money: the bank account is typed, then confirmed. */

import { busy, part, toast } from "./dom.js";
import { t } from "./i18n.js";
import { confirmed } from "./stepup.js";

const form = document.querySelector("[data-refund-form]");

function show(reason) {
  const error = part("refund-error");
  const [wrong] = reason.fields ?? [];
  const input = wrong && form.elements.namedItem(wrong.field);
  if (!input) {
    error.textContent = reason.text ?? t("error.text");
    return;
  }
  error.textContent = t(`payto.wrong_${wrong.field}`);
  input.setAttribute("aria-invalid", "true");
  input.focus();
}

form?.addEventListener("submit", (event) => {
  event.preventDefault();
  part("refund-error").textContent = "";
  for (const input of form.elements) input.removeAttribute("aria-invalid");
  const account = Object.fromEntries([...new FormData(form)].map(([k, v]) => [k, v.normalize("NFKC").trim()]));
  busy(event.submitter, async () => {
    try {
      await confirmed(form.dataset.path, account);
      toast(t("payback.done"));
      location.reload();
    } catch (reason) {
      show(reason);
    }
  });
});
