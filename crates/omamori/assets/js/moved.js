/** The phone that was replaced: undo, or stop the account. */

import { api } from "./api.js";
import { busy, part, toast } from "./dom.js";
import { t } from "./i18n.js";

wire("undo", async () => {
  await api("POST", "/api/wallet/v1/move/undo");
  location.assign("/settings");
});
wire("stop", async () => {
  await api("POST", "/api/wallet/v1/account/stop");
  toast(t("account.stopped"));
});

function wire(name, act) {
  part(name)?.addEventListener("click", (event) =>
    busy(event.currentTarget, act).catch((reason) => toast(reason.text ?? t("error.text"))),
  );
}
