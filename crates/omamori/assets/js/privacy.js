/** Your data: a copy of them, and the end of the account. */

import { busy, datetime, el, part, toast } from "./dom.js";
import { t } from "./i18n.js";
import { confirmed } from "./stepup.js";

const API = "/api/wallet/v1";

wire("export", async () => {
  const { export: copy } = await confirmed(`${API}/account/export`, {});
  const file = new Blob([JSON.stringify(copy, null, 2)], { type: "application/json" });
  const link = el("a", { href: URL.createObjectURL(file), download: "omamori-export.json" });
  link.click();
  // The browser reads the file after the click; by then the page may forget it.
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
  toast(t("privacy.copied"));
});

wire("close-account", async () => {
  const { due_at: dueAt } = await confirmed(`${API}/account/close`, {});
  part("closing-at").textContent = datetime(dueAt);
  part("closing-dialog").addEventListener("close", () => location.assign("/"));
  part("closing-done").addEventListener("click", () => part("closing-dialog").close());
  part("closing-dialog").showModal();
});

/** What the button does, once at a time. */
function wire(name, act) {
  const button = part(name);
  button.addEventListener("click", () =>
    busy(button, act).catch((error) => toast(error.text ?? t("error.text"))),
  );
}
