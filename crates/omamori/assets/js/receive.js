/** What a link opens: passcode, look, take. The token stands after the `#` and goes nowhere else. */

import { api } from "./api.js";
import { busy, part, yen } from "./dom.js";
import { t } from "./i18n.js";

const API = "/api/wallet/v1/send-links";
const [, token] = /^#link=([\w-]+)$/.exec(location.hash) ?? [];
const form = part("passcode-form");
let passcode = "";

if (token) history.replaceState(null, "", location.pathname);
else tell(t("receive.no_link"));

form.addEventListener("submit", (event) => {
  event.preventDefault();
  passcode = form.elements.passcode.value;
  busy(form.querySelector("[type=submit]"), look).catch(failed);
});
part("take").addEventListener("click", ({ target }) => busy(target, take).catch(failed));

async function look() {
  tell("");
  if (!token) return tell(t("receive.no_link"));
  const { send } = await api("POST", `${API}/look`, { token, passcode });
  part("found-name").textContent = t("send.from", { name: send.name });
  part("found-amount").textContent = yen(send.amount);
  part("found-message").textContent = send.message;
  part("take").textContent = t("receive.take", { amount: yen(send.amount) });
  form.hidden = true;
  part("found").hidden = false;
}

async function take() {
  tell("");
  await api("POST", `${API}/take`, { token, passcode });
  part("found").hidden = true;
  part("taken").hidden = false;
}

function failed(error) {
  if (error.status === 401) {
    form.hidden = true;
    part("signin").hidden = false;
  } else {
    tell(error.text);
  }
}

function tell(message) {
  part("error").textContent = message;
}
