/** The operator's campaigns: begin one. The dialog of the console stops one. */

import { api } from "../api.js";
import { campaign, reflect } from "../campaign.js";
import { busy, part, toast } from "../dom.js";
import { t } from "../i18n.js";
import { refreshRegions } from "../regions.js";
import { told } from "./main.js";

const form = part("campaign-form");
let key = null;

form?.addEventListener("change", () => reflect(form));
part("campaign-new")?.addEventListener("click", () => {
  form.reset();
  reflect(form);
  part("campaign-error").textContent = "";
  // Of this opening of the dialog: pressed twice, or sent again, it is the same campaign.
  key = crypto.randomUUID();
  part("campaign-dialog").showModal();
});
part("campaign-cancel")?.addEventListener("click", () => part("campaign-dialog").close());
form?.addEventListener("submit", (event) => {
  event.preventDefault();
  busy(event.submitter, async () => {
    try {
      const body = { ...campaign(form), reason: form.elements.reason.value, key };
      const answer = await api("POST", "/api/admin/v1/campaigns", body);
      part("campaign-dialog").close();
      if (answer.approval_id) toast(t("console.asked"));
      await refreshRegions();
    } catch (error) {
      part("campaign-error").textContent = told(error);
    }
  });
});
