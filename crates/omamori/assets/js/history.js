/** History: older days are appended below, page by page. */

import { fetchPage } from "./api.js";
import { busy, part, toast } from "./dom.js";
import { followWallet } from "./wallet.js";

followWallet();

document.addEventListener("click", (event) => {
  const more = event.target.closest("[data-more]");
  if (!more) return;
  event.preventDefault();
  busy(more, () => append(more)).catch((error) => toast(error.text));
});

async function append(more) {
  const page = await fetchPage(more.href);
  const list = more.parentElement;
  // From here on the list is longer than what a refresh would bring.
  delete list.dataset.live;
  for (const day of page.querySelectorAll("[data-day]")) {
    const begun = list.querySelector(`[data-day="${day.dataset.day}"] .entries`);
    const rows = document.importNode(day, true);
    if (begun) begun.append(...rows.querySelectorAll("[data-entry]"));
    else more.before(rows);
  }
  const next = part("more", page);
  if (next) more.href = next.getAttribute("href");
  else more.remove();
}
