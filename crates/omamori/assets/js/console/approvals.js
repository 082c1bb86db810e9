/** Approvals: say yes or no with the passkey, and carry out what was approved. */

import { api } from "../api.js";
import { busy, part, toast } from "../dom.js";
import { t } from "../i18n.js";
import { use } from "../passkey.js";
import { refreshRegions } from "../regions.js";
import { showOnce, told } from "./main.js";

document.addEventListener("click", (event) => {
  const decide = event.target.closest("[data-decide]");
  const carry = event.target.closest("[data-carry-out]");
  if (decide) attempt(decide, decide.dataset.id, () => decideOn(decide.dataset));
  if (carry) attempt(carry, carry.dataset.carryOut, () => carryOut(carry.dataset.carryOut));
});

async function attempt(button, id, act) {
  const error = part(`error-of="${id}"`);
  error.textContent = "";
  await busy(button, async () => {
    try {
      await act();
    } catch (reason) {
      error.textContent = told(reason);
    }
  });
}

async function decideOn({ decide: verdict, id }) {
  const path = `/api/admin/v1/approvals/${encodeURIComponent(id)}`;
  const credential = await use(await api("POST", `${path}/options`, { verdict }));
  await api("POST", `${path}/decide`, { verdict, credential });
  await refreshRegions();
}

async function carryOut(id) {
  const path = `/api/admin/v1/approvals/${encodeURIComponent(id)}/carry-out`;
  const { secret } = await api("POST", path);
  if (secret) showOnce(secret);
  else toast(t("console.carried_out"));
  await refreshRegions();
}
