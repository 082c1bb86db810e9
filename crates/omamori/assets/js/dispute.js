/** "I do not know this": asked once more, then the account is stopped and a case opened. */

import { submits, wire, wireClosing } from "./acts.js";
import { api } from "./api.js";
import { part } from "./dom.js";
import { t } from "./i18n.js";
import { followWallet } from "./wallet.js";

followWallet();
wireClosing();
const form = part("dispute");
submits(form, () => part("sure").showModal());

wire("report", async () => {
  try {
    const report = { entry_id: form.dataset.dispute, text: form.elements.text.value };
    const { case_id: id } = await api("POST", "/api/wallet/v1/disputes", report);
    location.assign(`/cases/${encodeURIComponent(id)}`);
  } catch (error) {
    part("sure").close();
    part("error").textContent = error.text ?? t("error.text");
  }
});
