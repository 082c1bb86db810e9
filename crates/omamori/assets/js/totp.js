/** The secret that an authenticator app is to take, on the page. */

import { part } from "./dom.js";
import { t } from "./i18n.js";

/** @param {{address: string, qr: string, secret: string}} offer as the server made it */
export function showOffer(offer) {
  part("totp-address").href = offer.address;
  part("totp-qr").src = `data:image/svg+xml,${encodeURIComponent(offer.qr)}`;
  part("totp-secret").textContent = offer.secret.match(/.{4}/g).join(" ");
}

/** What was typed, though the keyboard makes full-width digits, as Japanese ones do. */
export function digits(field) {
  return field.value.normalize("NFKC").trim();
}

const PASSWORD_TEXTS = { too_common: "password.too_common", out_of_range: "password.length" };

/** Why a new password was refused, in words. */
export function aboutPassword(reason) {
  const text = PASSWORD_TEXTS[reason.fields?.[0]?.code];
  return text ? { text: t(text) } : reason;
}

/** A wrong code of a new app, in words. */
export function aboutCode(reason) {
  return reason.code === "proof_failed" ? { text: t("totp.wrong") } : reason;
}
