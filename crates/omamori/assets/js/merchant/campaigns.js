/** The merchant's campaigns: begin one, stop one. */

import { api } from "../api.js";
import { campaign, reflect } from "../campaign.js";
import { busy, part } from "../dom.js";
import { refreshRegions } from "../regions.js";

const dialog = part("campaign-dialog");
const form = part("campaign-form");
const stopDialog = part("stop-dialog");
let stopping = null;

form.addEventListener("change", () => reflect(form));

document.addEventListener("click", (event) => {
  const stop = event.target.closest("[data-campaign-stop]");
  if (event.target.closest("[data-campaign-new]")) {
    form.reset();
    reflect(form);
    part("campaign-error").textContent = "";
    dialog.showModal();
  }
  if (stop) {
    stopping = stop.dataset.campaignStop;
    part("stop-name").textContent = stop.dataset.campaignName;
    part("stop-error").textContent = "";
    stopDialog.showModal();
  }
});

part("campaign-cancel").addEventListener("click", () => dialog.close());
form.addEventListener("submit", (event) => {
  event.preventDefault();
  busy(event.submitter, async () => {
    try {
      await api("POST", "/api/merchant/v1/campaigns", campaign(form));
      dialog.close();
      await refreshRegions();
    } catch (error) {
      part("campaign-error").textContent = error.text;
    }
  });
});

part("stop-cancel").addEventListener("click", () => stopDialog.close());
part("stop-confirm").addEventListener("click", (event) =>
  busy(event.currentTarget, async () => {
    try {
      await api("POST", `/api/merchant/v1/campaigns/${encodeURIComponent(stopping)}/stop`);
      stopDialog.close();
      await refreshRegions();
    } catch (error) {
      part("stop-error").textContent = error.text;
    }
  }),
);
