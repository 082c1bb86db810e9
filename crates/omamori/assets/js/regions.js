/** Parts of a page that follow the server: rows are rendered there and nowhere else. */

import { fetchPage } from "./api.js";

/**
 * Asks for this page again and exchanges each part marked `data-live`.
 * @param {string} [address] where the page is, if not where it is shown
 */
export async function refreshRegions(address = location.href) {
  const fresh = await fetchPage(address);
  for (const region of document.querySelectorAll("[data-live]")) {
    const replacement = fresh.querySelector(`[data-live="${region.dataset.live}"]`);
    if (!replacement) continue;
    const known = new Set(
      [...region.querySelectorAll("[data-entry]")].map((row) => row.dataset.entry),
    );
    for (const row of replacement.querySelectorAll("[data-entry]")) {
      row.classList.toggle("entry--new", !known.has(row.dataset.entry));
    }
    region.replaceWith(document.importNode(replacement, true));
  }
}
