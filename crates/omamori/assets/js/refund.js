/** The rest comes back as money: the bank account is typed, then confirmed; and what is taken back. */

import { wire } from "./acts.js";
import { busy, part, toast } from "./dom.js";
import { t } from "./i18n.js";
import { confirmed } from "./stepup.js";

const form = document.querySelector("[data-refund-form]");

function show(reason) {
  const error = part("refund-error");
  const [wrong] = reason.fields ?? [];
  const input = wrong && form.querySelector(`[name="${CSS.escape(wrong.field)}"]`);
  if (!input) {
    error.textContent = reason.text ?? t("error.text");
    return;
  }
  error.textContent = t(`payto.wrong_${wrong.field}`);
  input.setAttribute("aria-invalid", "true");
  input.focus();
}

/** Of an account that closes the reason goes along. */
function asked() {
  const fields = Object.fromEntries([...new FormData(form)].map(([k, v]) => [k, v.normalize("NFKC").trim()]));
  if (!("leaving" in form.dataset)) return fields;
  const { reason = "", ...account } = fields;
  return { reason, account };
}

form?.addEventListener("submit", (event) => {
  event.preventDefault();
  part("refund-error").textContent = "";
  for (const input of form.elements) input.removeAttribute("aria-invalid");
  busy(event.submitter, async () => {
    try {
      await confirmed(form.dataset.path, asked());
      toast(t("payback.done"));
      if (form.dataset.then) location.assign(form.dataset.then);
      else location.reload();
    } catch (reason) {
      show(reason);
    }
  });
});

wire("closing-drop", async () => {
  await confirmed("/api/wallet/v1/closing-claims/drop", {});
  location.reload();
});
