/** One send: what became of it, and what can still be done. */

import { wireActs } from "./acts.js";
import { copy, part } from "./dom.js";
import { followWallet } from "./wallet.js";

followWallet();
wireActs();
document.addEventListener("click", ({ target }) => {
  if (target.closest("[data-copy]")) copy(part("link").textContent);
});
