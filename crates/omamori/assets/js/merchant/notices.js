/** At which address somebody is told, and what. The address is confirmed by passkey and code. */

import { api } from "../api.js";
import { busy, part, toast } from "../dom.js";
import { t } from "../i18n.js";
import { refreshRegions } from "../regions.js";
import { confirmed, told } from "./confirm.js";

const EMAIL = "/api/merchant/v1/email";
const mailDialog = part("mail-dialog");
const mailForm = part("mail-form");
const codeForm = part("code-form");
const unmailDialog = part("unmail-dialog");
const choices = part("choices-form");
/** The check that a code belongs to. */
let checkId = null;

document.addEventListener("click", (event) => {
  if (event.target.closest("[data-address-change]")) {
    for (const form of [mailForm, codeForm]) form.reset();
    mailForm.hidden = false;
    codeForm.hidden = true;
    for (const name of ["mail-error", "code-error"]) part(name).textContent = "";
    mailDialog.showModal();
  }
  if (event.target.closest("[data-address-remove]")) {
    part("unmail-error").textContent = "";
    unmailDialog.showModal();
  }
  if (event.target.closest("[data-mail-cancel]")) mailDialog.close();
});

/** Does something about a form, and says what went wrong in it. */
function submits(form, error, act) {
  form?.addEventListener("submit", (event) => {
    event.preventDefault();
    part(error).textContent = "";
    busy(event.submitter, async () => {
      try {
        await act(form.elements);
      } catch (reason) {
        const [wrong] = reason.fields ?? [];
        part(error).textContent = wrong?.field === "email" ? t("told.wrong") : told(reason);
      }
    });
  });
}

submits(mailForm, "mail-error", async ({ email }) => {
  const begun = await confirmed(EMAIL, { email: email.value.trim() });
  checkId = begun.check_id;
  mailForm.hidden = true;
  codeForm.hidden = false;
  codeForm.elements.code.focus();
});

submits(codeForm, "code-error", async ({ code }) => {
  const digits = code.value.normalize("NFKC").trim();
  await api("POST", `${EMAIL}/confirm`, { check_id: checkId, code: digits });
  mailDialog.close();
  toast(t("told.saved"));
  await refreshRegions();
});

submits(choices, "choices-error", async ({ language }) => {
  const on = [...choices.querySelectorAll("[name=on]:checked")].map((input) => input.value);
  await api("POST", `${EMAIL}/choices`, { on, language: language.value });
  toast(t("told.saved"));
});

part("unmail-cancel").addEventListener("click", () => unmailDialog.close());
part("unmail-confirm").addEventListener("click", (event) =>
  busy(event.currentTarget, async () => {
    try {
      await confirmed(`${EMAIL}/remove`, {});
      unmailDialog.close();
      await refreshRegions();
    } catch (error) {
      part("unmail-error").textContent = told(error);
    }
  }),
);
