/** The merchant's stores: new terminals, their keys, revocation. */

import { api } from "../api.js";
import { busy, copy, part } from "../dom.js";
import { t } from "../i18n.js";
import { refreshRegions } from "../regions.js";

const newDialog = part("new-dialog");
const keyDialog = part("key-dialog");
const revokeDialog = part("revoke-dialog");
let store = null;
let terminal = null;

document.addEventListener("click", (event) => {
  const add = event.target.closest("[data-terminal-new]");
  const revoke = event.target.closest("[data-terminal-revoke]");
  if (add) openNew(add.dataset);
  if (revoke) openRevoke(revoke.dataset);
  const rotate = event.target.closest("[data-key-rotate]");
  const end = event.target.closest("[data-key-end]");
  if (rotate) openRotate(rotate.dataset);
  if (end) busy(end, () => endOldKey(end.dataset.keyEnd));
});

function openNew(button) {
  store = button.store;
  part("new-store").textContent = button.storeName;
  part("new-error").textContent = "";
  part("new-form").reset();
  askForOrigin();
  newDialog.showModal();
}

/** Of an online shop it is asked where its pages are. */
function askForOrigin() {
  const { kind, origin } = part("new-form").elements;
  const asked = kind.value === "online";
  part("new-origin").hidden = !asked;
  origin.required = asked;
}

part("new-form").addEventListener("change", askForOrigin);

part("new-cancel").addEventListener("click", () => newDialog.close());
part("new-form").addEventListener("submit", (event) => {
  event.preventDefault();
  const { name, kind, origin } = event.target.elements;
  busy(event.submitter, async () => {
    try {
      const made = await api("POST", "/api/merchant/v1/terminals", {
        store_id: store,
        name: name.value,
        kind: kind.value,
        ...(kind.value === "online" ? { origin: origin.value } : {}),
      });
      newDialog.close();
      part("key").textContent = made.api_key;
      keyDialog.showModal();
    } catch (error) {
      const isOrigin = error.fields.some(({ field }) => field === "origin");
      part("new-error").textContent = isOrigin ? t("merchant.origin_wrong") : error.text;
    }
  });
});

part("key-copy").addEventListener("click", () => copy(part("key").textContent));
// Escape would take away a key that nobody has entered yet.
keyDialog.addEventListener("cancel", (event) => event.preventDefault());
part("key-close").addEventListener("click", () => keyDialog.close());
keyDialog.addEventListener("close", () => {
  part("key").textContent = "";
  refreshRegions();
});

function openRevoke(button) {
  terminal = button.terminalRevoke;
  part("revoke-name").textContent = button.terminalName;
  part("revoke-error").textContent = "";
  revokeDialog.showModal();
}

part("revoke-cancel").addEventListener("click", () => revokeDialog.close());
part("revoke-confirm").addEventListener("click", (event) =>
  busy(event.currentTarget, async () => {
    try {
      await api("POST", `/api/merchant/v1/terminals/${encodeURIComponent(terminal)}/revoke`);
      revokeDialog.close();
      await refreshRegions();
    } catch (error) {
      part("revoke-error").textContent = error.text;
    }
  }),
);

function openRotate({ keyRotate, terminalName }) {
  terminal = keyRotate;
  part("rotate-form").reset();
  part("rotate-name").textContent = terminalName;
  part("rotate-error").textContent = "";
  part("rotate-dialog").showModal();
}

part("rotate-cancel").addEventListener("click", () => part("rotate-dialog").close());
part("rotate-form").addEventListener("submit", (event) => {
  event.preventDefault();
  const at_once = event.target.elements.end.value === "now";
  busy(event.submitter, async () => {
    try {
      const path = `/api/merchant/v1/terminals/${encodeURIComponent(terminal)}/rotate`;
      const made = await api("POST", path, { at_once });
      part("rotate-dialog").close();
      part("key").textContent = made.api_key;
      keyDialog.showModal();
    } catch (error) {
      part("rotate-error").textContent = error.text;
    }
  });
});

async function endOldKey(id) {
  await api("POST", `/api/merchant/v1/terminals/${encodeURIComponent(id)}/end-old-key`);
  await refreshRegions();
}
