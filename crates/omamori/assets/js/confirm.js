/** What a register is waiting for: the customer says with the passkey that it is them, or that it is not. */

import { api } from "./api.js";
import { busy, part } from "./dom.js";
import { t } from "./i18n.js";
import { confirmed } from "./stepup.js";
import { followWallet } from "./wallet.js";

followWallet();

document.addEventListener("click", ({ target }) => {
  const yes = target.closest("[data-confirm]");
  const no = target.closest("[data-decline]");
  if (yes) busy(yes, () => answer(yes.dataset.confirm, "confirmed", (path) => confirmed(path)));
  if (no) busy(no, () => answer(no.dataset.decline, "declined", (path) => api("POST", `${path}/decline`)));
});

/** Answers one, then says what comes next. */
async function answer(id, next, act) {
  const error = part(`error-of="${id}"`);
  error.textContent = "";
  try {
    await act(`/api/wallet/v1/confirmations/${encodeURIComponent(id)}`);
    part(`confirmation="${id}"`).remove();
    part(next).hidden = false;
    part(next).querySelector("a").focus();
  } catch (reason) {
    error.textContent = reason.text ?? t("error.text");
  }
}
