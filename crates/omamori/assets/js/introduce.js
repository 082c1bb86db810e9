/** How a phone that is to be bound introduces itself: two new keys and a name. */

import { makeKeys } from "./device.js";
import { t } from "./i18n.js";

/** @returns {Promise<{signer: import("./device.js").Signer, device: object}>} */
export async function introduce() {
  const { signer, agreement } = await makeKeys().catch(() => {
    throw { text: t("signup.storage") };
  });
  return { signer, device: { name: phoneName(), sign_key: signer.jwk, agree_key: agreement.jwk } };
}

/** What this phone is called in the settings. */
function phoneName() {
  const { brand } = navigator.userAgentData?.brands?.find(({ brand }) => !/not.?a.?brand|chromium/i.test(brand)) ?? {};
  const system = navigator.userAgentData?.platform || /iPhone|iPad|Android|Windows|Mac OS X|Linux/.exec(navigator.userAgent)?.[0];
  return [system?.replace("Mac OS X", "macOS"), brand].filter(Boolean).join(" · ") || "Web";
}
