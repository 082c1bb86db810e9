/** Sending: to a number, to a friend's code, by link; and showing one's own code. */

import { wireActs } from "./acts.js";
import { api } from "./api.js";
import { busy, part, toast, yen } from "./dom.js";
import { t } from "./i18n.js";
import { confirmed } from "./stepup.js";
import { cameraReads, readCamera } from "./till/camera.js";
import { followWallet } from "./wallet.js";

const API = "/api/wallet/v1";
const AMOUNT_MAX = 999_999;
const FRIEND = /#friend=([0-9A-Z]{12})$/;

const form = part("send");
const sheet = part("confirm");
/** What is being entered; the id stays while it is tried again. */
let amount = 0;
let wanted = null;

followWallet();
wireActs();

form.addEventListener("change", ({ target }) => {
  if (target.name === "way") showWay();
  if (target.name === "code") look();
});
part("keys").addEventListener("click", ({ target }) => {
  const key = target.closest("[data-key]")?.dataset.key;
  if (key) enter(key);
});
form.addEventListener("submit", (event) => {
  event.preventDefault();
  confirm(entered(), recipient());
});
part("confirm-cancel").addEventListener("click", () => sheet.close());
part("confirm-do").addEventListener("click", ({ target }) => busy(target, send));
part("show-code").addEventListener("click", ({ target }) => {
  busy(target, showCode).catch((error) => toast(error.text));
});
document.addEventListener("click", ({ target }) => {
  const { pay, amount: yenText } = target.closest("[data-pay]")?.dataset ?? {};
  if (pay) payRequest(pay, Number(yenText), target.closest("article").querySelector("p").textContent);
});
openFragment();
offerCamera();

function way() {
  return new FormData(form).get("way");
}

function showWay() {
  for (const place of form.querySelectorAll("[data-way]")) {
    place.hidden = place.dataset.way !== way();
  }
}

function enter(key) {
  const next = key === "erase" ? Math.floor(amount / 10) : Number(`${amount}${key}`);
  if (next <= AMOUNT_MAX) amount = next;
  part("amount-shown").textContent = yen(amount);
}

function entered() {
  const { way: kind, phone, code, name, message } = Object.fromEntries(new FormData(form));
  const to = { phone: { kind, phone, name }, friend: { kind, code, name }, link: { kind, name } };
  return { amount, to: to[kind], message };
}

function recipient() {
  const { name, phone } = Object.fromEntries(new FormData(form));
  const shown = { phone, friend: part("friend").dataset.phone ?? "", link: t("send.confirm_link") };
  return [name, shown[way()]].filter(Boolean).join(" · ");
}

function confirm(request, to) {
  if (request.amount < 1) {
    part("error").textContent = t("send.amount");
    return;
  }
  part("error").textContent = "";
  part("confirm-error").textContent = "";
  wanted = { client_send_id: crypto.randomUUID(), ...request };
  part("confirm-amount").textContent = yen(request.amount);
  part("confirm-to").textContent = to;
  sheet.showModal();
}

async function send() {
  try {
    const { send: made } = await confirmed(`${API}/sends`, wanted);
    location.assign(`/send/${encodeURIComponent(made.send_id)}`);
  } catch (error) {
    part("confirm-error").textContent = error.text ?? t("passkey.cancelled");
  }
}

function payRequest(token, yenAsked, name) {
  confirm({ amount: yenAsked, to: { kind: "request", token } }, name);
}

async function look() {
  const place = part("friend");
  delete place.dataset.phone;
  place.textContent = "";
  const { code } = Object.fromEntries(new FormData(form));
  if (!code) return;
  try {
    const { phone_masked: phone } = await api("POST", `${API}/friend-codes/look`, { code });
    place.dataset.phone = phone;
    place.textContent = t("send.friend_found", { phone });
  } catch (error) {
    place.textContent = error.text;
  }
}

async function showCode() {
  const made = await api("POST", `${API}/friend-codes`, {});
  const image = new Image();
  image.alt = t("send.receive_title");
  image.src = `data:image/svg+xml,${encodeURIComponent(made.qr)}`;
  part("friend-qr").replaceChildren(image);
  part("friend-text").textContent = made.code.replace(/(.{4})(?=.)/g, "$1-");
  part("friend-code").hidden = false;
}

/** A code or a request that was scanned stands after the `#`, and does not stay in the address. */
function openFragment() {
  const [, kind, value] = /^#(friend|ask)=([\w-]+)$/.exec(location.hash) ?? [];
  if (!kind) return;
  history.replaceState(null, "", location.pathname);
  if (kind === "friend") useCode(value);
  else showAsked(value).catch((error) => toast(error.text));
}

function useCode(code) {
  form.elements.way.value = "friend";
  form.elements.code.value = code;
  showWay();
  look();
}

async function showAsked(token) {
  const asked = await api("POST", `${API}/money-requests/look`, { token });
  part("asked-name").textContent = asked.name;
  part("asked-amount").textContent = yen(asked.amount);
  part("asked-message").textContent = asked.message;
  part("asked").hidden = false;
  part("asked-pay").disabled = asked.status !== "open";
  part("asked-pay").addEventListener("click", () => payRequest(token, asked.amount, asked.name));
}

async function offerCamera() {
  if (!(await cameraReads().catch(() => false))) return;
  const button = part("scan");
  button.hidden = false;
  button.addEventListener("click", () => busy(button, scan).catch(() => toast(t("send.scan_failed"))));
}

async function scan() {
  const controller = new AbortController();
  const found = (text) => {
    controller.abort();
    useCode(FRIEND.exec(text)[1]);
  };
  await readCamera(part("video"), found, controller.signal, FRIEND);
}
