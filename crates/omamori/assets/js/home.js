/** Home, and the top-up page: code, balance, latest entries. */

import { renew, startCode } from "./codecard.js";
import { part } from "./dom.js";
import { followWallet } from "./wallet.js";

const USES_THE_CODE = new Set(["payment", "topup", "authorization", "payment_held"]);

const toggle = part("balance-toggle");
if (toggle) {
  const root = document.documentElement;
  const reflect = () =>
    toggle.setAttribute("aria-pressed", String("balanceHidden" in root.dataset));
  toggle.addEventListener("click", () => {
    const hidden = root.toggleAttribute("data-balance-hidden");
    localStorage.setItem("omamori.balance", hidden ? "hidden" : "shown");
    reflect();
  });
  reflect();
}

startCode();
followWallet((entry) => {
  if (USES_THE_CODE.has(entry.kind)) renew();
});
