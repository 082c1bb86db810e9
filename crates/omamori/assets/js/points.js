/** Points: whether they are used, and turning them into balance. */

import { api } from "./api.js";
import { busy, part, toast } from "./dom.js";
import { t } from "./i18n.js";
import { refreshRegions } from "./regions.js";
import { followWallet } from "./wallet.js";

followWallet();

const dialog = part("convert-dialog");
const form = part("convert-form");
/** One id for each try of the customer: asking again after a lost answer changes nothing. */
let conversion = null;

document.addEventListener("change", async (event) => {
  if (!event.target.matches("[data-points-use]")) return;
  const box = event.target;
  try {
    await api("POST", "/api/wallet/v1/points/use", { use_points: box.checked });
    toast(t(box.checked ? "points.use_on" : "points.use_off"));
  } catch (error) {
    box.checked = !box.checked;
    toast(error.text);
  }
});

document.addEventListener("click", (event) => {
  if (!event.target.closest("[data-convert-open]")) return;
  conversion = crypto.randomUUID();
  form.elements.points.value = part("points").dataset.points;
  part("convert-error").textContent = "";
  dialog.showModal();
});

part("convert-cancel").addEventListener("click", () => dialog.close());

form.addEventListener("submit", (event) => {
  event.preventDefault();
  busy(event.submitter, async () => {
    try {
      const points = Number(form.elements.points.value);
      await api("POST", "/api/wallet/v1/points/convert", { conversion_id: conversion, points });
      dialog.close(); // that it is done, the ledger tells
      await refreshRegions();
    } catch (error) {
      if (!error.unknown) conversion = crypto.randomUUID();
      part("convert-error").textContent = error.text;
    }
  });
});
