/** First use of a register: the terminal key, typed or scanned once. */

import { api } from "../api.js";
import { busy, part } from "../dom.js";
import { t } from "../i18n.js";

part("key-form").addEventListener("submit", (event) => {
  event.preventDefault();
  const field = event.target.elements.api_key;
  busy(event.submitter ?? event.target, async () => {
    part("key-error").textContent = "";
    try {
      await api("POST", "/till/session", { api_key: field.value.trim() });
      location.reload();
    } catch (error) {
      part("key-error").textContent = error.status === 401 ? t("till.key_wrong") : error.text;
      field.setAttribute("aria-invalid", "true");
      field.select();
    }
  });
});
