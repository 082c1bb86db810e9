/** Going to an issuer of accounts elsewhere, and coming back. The server holds what goes on: see its cookie. */

import { api } from "./api.js";
import { busy } from "./dom.js";
import { t } from "./i18n.js";

/** The part of the address with which the server sends a browser back to a page. */
const BACK = "#external";

/** Whether this page was opened by coming back. Asked once: a reload is no second return. */
export function cameBack() {
  if (location.hash !== BACK) return false;
  history.replaceState(null, "", location.pathname);
  return true;
}

/**
 * What each button of an issuer does: it goes there.
 * @param {string} path where the server says how
 * @param {(text: string) => void} complain
 * @param {() => Promise<object>} [request] what it wants to know beside the issuer
 * @param {() => Promise<Record<string, string>>} [headers]
 */
export function goesToIssuers(path, complain, request = async () => ({}), headers = async () => ({})) {
  for (const button of document.querySelectorAll("[data-external-start]")) {
    button.addEventListener("click", () => busy(button, async () => {
      const asked = { provider: button.dataset.externalStart, ...(await request()) };
      const { address } = await api("POST", path, asked, await headers());
      location.assign(address);
    }).catch((reason) => complain(reason.code === "busy" ? t("external.down_text") : (reason.text ?? t("error.text")))));
  }
}
