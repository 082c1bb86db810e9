/** The merchant's webhooks: add, test, switch, new secrets, send again. */

import { api } from "../api.js";
import { busy, copy, part, toast } from "../dom.js";
import { t } from "../i18n.js";
import { refreshRegions } from "../regions.js";

const API = "/api/merchant/v1/webhooks";
const newDialog = part("new-dialog");
const secretDialog = part("secret-dialog");
const sureDialog = part("sure-dialog");
/** What is done when the person is sure. */
let sure = null;

/** What the buttons of an endpoint do at once. */
const AT_ONCE = {
  test: (address) => api("POST", `${address}/test`),
  on: (address) => api("POST", `${address}/switch`, { on: true }),
  off: (address) => api("POST", `${address}/switch`, { on: false }),
  replay: (address) => api("POST", `${address}/replay`),
  "replay-one": (address, event) => api("POST", `${address}/events/${encodeURIComponent(event)}/replay`),
};

/** What is asked about first. */
const SURELY = {
  rotate: { danger: false, run: async (address) => showSecret(await api("POST", `${address}/rotate`)) },
  remove: { danger: true, run: (address) => api("POST", `${address}/remove`) },
};

document.addEventListener("click", ({ target }) => {
  const button = target.closest("[data-webhook-act]");
  if (target.closest("[data-webhook-new]")) {
    part("new-form").reset();
    part("new-error").textContent = "";
    newDialog.showModal();
  }
  if (button) act(button);
});

function act(button) {
  const endpoint = button.closest("[data-webhook]");
  const address = `${API}/${encodeURIComponent(endpoint.dataset.webhook)}`;
  const word = button.dataset.webhookAct;
  if (SURELY[word]) return ask(word, address, endpoint.querySelector(".webhook__url").textContent);
  part("webhook-problem").textContent = "";
  return busy(button, async () => {
    try {
      await AT_ONCE[word](address, button.closest("[data-event]")?.dataset.event);
      if (word === "test" || word.startsWith("replay")) toast(t("webhooks.queued"));
      await refreshRegions();
    } catch (error) {
      part("webhook-problem").textContent = error.text;
    }
  });
}

function ask(word, address, url) {
  sure = () => SURELY[word].run(address);
  part("sure-title").textContent = t(`webhooks.${word}_title`);
  part("sure-text").textContent = t(`webhooks.${word}_text`);
  part("sure-url").textContent = url;
  part("sure-error").textContent = "";
  part("sure-confirm").textContent = t(`webhooks.${word}`);
  part("sure-confirm").classList.toggle("button--danger", SURELY[word].danger);
  sureDialog.showModal();
}

part("sure-cancel").addEventListener("click", () => sureDialog.close());
part("sure-confirm").addEventListener("click", ({ currentTarget }) =>
  busy(currentTarget, async () => {
    try {
      await sure();
      sureDialog.close();
      await refreshRegions();
    } catch (error) {
      part("sure-error").textContent = error.text;
    }
  }),
);

part("new-cancel").addEventListener("click", () => newDialog.close());
part("new-form").addEventListener("submit", (event) => {
  event.preventDefault();
  const { url } = event.target.elements;
  busy(event.submitter, async () => {
    try {
      const made = await api("POST", API, { url: url.value });
      newDialog.close();
      showSecret(made);
    } catch (error) {
      const isUrl = error.fields.some(({ field }) => field === "url");
      part("new-error").textContent = isUrl ? t("webhooks.url_wrong") : error.text;
    }
  });
});

function showSecret({ secret }) {
  part("secret").textContent = secret;
  secretDialog.showModal();
}

part("secret-copy").addEventListener("click", () => copy(part("secret").textContent));
// Escape would take away a secret that nobody has entered yet.
secretDialog.addEventListener("cancel", (event) => event.preventDefault());
part("secret-close").addEventListener("click", () => secretDialog.close());
secretDialog.addEventListener("close", () => {
  part("secret").textContent = "";
  refreshRegions();
});
