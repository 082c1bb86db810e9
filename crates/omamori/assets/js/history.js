/** History: older days are appended below, page by page; what is found can be taken as a file. */

import { fetchFile, fetchPage } from "./api.js";
import { busy, el, part, toast } from "./dom.js";
import { t } from "./i18n.js";
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

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-csv]");
  if (!button) return;
  const form = button.closest("form");
  const asked = form ? new URLSearchParams(new FormData(form)) : button.dataset.csv;
  busy(button, () => save(`/api/wallet/v1/history.csv?${asked}`)).catch((error) => {
    const isWrong = error.fields?.length > 0;
    toast(isWrong ? t("history.csv_too_long") : (error.text ?? t("error.text")));
  });
});

/** Fetched, not navigated to: so the request carries the phone's proof. */
async function save(address) {
  const file = await fetchFile(address);
  const link = el("a", { href: URL.createObjectURL(file), download: "omamori-history.csv" });
  link.click();
  // The browser reads the file after the click; by then the page may forget it.
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
  toast(t("history.csv_done"));
}
