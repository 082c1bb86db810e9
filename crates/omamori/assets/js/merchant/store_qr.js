/** A store's QR: managers say what it tells readers of others. */

import { api } from "../api.js";
import { busy, part } from "../dom.js";

part("details")?.addEventListener("submit", (event) => {
  event.preventDefault();
  const { name, city, postal_code: postal, category_code: category } = event.target.elements;
  busy(event.submitter, async () => {
    part("details-error").textContent = "";
    try {
      const store = encodeURIComponent(event.target.dataset.store);
      await api("POST", `/api/merchant/v1/stores/${store}/qr`, {
        name: name.value.normalize("NFKC").trim(),
        city: city.value.normalize("NFKC").trim(),
        postal_code: postal.value.normalize("NFKC").replace(/\D/g, ""),
        category_code: Number(category.value.normalize("NFKC")) || 0,
      });
      location.reload();
    } catch (error) {
      part("details-error").textContent = error.text;
    }
  });
});
