/** Calling off a recovery with the code that every contact was sent. */

import { api } from "./api.js";
import { part } from "./dom.js";
import { t } from "./i18n.js";
import { steps } from "./steps.js";
import { digits } from "./totp.js";

const { show, wire } = steps(part("cancel-error"));

wire("code", async ({ code }) => {
  await api("POST", "/api/wallet/v1/recover/cancel/code", { code: digits(code) }).catch((reason) => {
    throw ["proof_failed", "invalid_request"].includes(reason.code) ? { text: t("recover.cancel_wrong") } : reason;
  });
  show("done");
});
