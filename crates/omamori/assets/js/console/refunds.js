/** Refunds and the end of the service: what is typed in forms of their own. */

import { api } from "../api.js";
import { busy, part, toast } from "../dom.js";
import { t } from "../i18n.js";
import { refreshRegions } from "../regions.js";
import { told } from "./main.js";

const ACTS = {
  async endPropose(form) {
    const body = Object.fromEntries(new FormData(form));
    body.ends_at = body.ends_at ? Date.parse(`${body.ends_at}+09:00`) * 1000 : 0;
    await api("POST", "/api/admin/v1/service-end", body);
    form.reset();
    toast(t("console.asked"));
  },
  async refundOpen(form) {
    const { customer_id, reason, closing, ...account } = Object.fromEntries(new FormData(form));
    await api("POST", "/api/admin/v1/refunds", { customer_id, reason, closing, account });
    form.reset();
    toast(t("payback.opened"));
    await refreshRegions();
  },
};

/** What is wrong, at its field where it has one. */
function show(form, refused) {
  const [wrong] = refused.fields ?? [];
  const input = wrong && form.elements.namedItem(wrong.field);
  input?.setAttribute("aria-invalid", "true");
  input?.focus();
  part("error", form).textContent = told(refused);
}

document.addEventListener("submit", (event) => {
  const form = event.target;
  const name = Object.keys(ACTS).find((act) => act in form.dataset);
  if (!name) return;
  event.preventDefault();
  part("error", form).textContent = "";
  for (const input of form.elements) input.removeAttribute("aria-invalid");
  busy(event.submitter, async () => {
    try {
      await ACTS[name](form);
    } catch (refused) {
      show(form, refused);
    }
  });
});
