/** The factors: passkeys added and removed, password and authenticator app changed or turned off. */

import { reloaded, submits, wire, wireClosing } from "./acts.js";
import { api } from "./api.js";
import { part } from "./dom.js";
import { canUsePasskeys, create } from "./passkey.js";
import { confirmed } from "./stepup.js";
import { aboutCode, aboutPassword, digits, showOffer } from "./totp.js";
import { followWallet } from "./wallet.js";

const API = "/api/wallet/v1/factors";

followWallet();
wireClosing();

const passwordDialog = part("password-dialog");
const totpDialog = part("totp-dialog");

part("passkey-add").hidden = !canUsePasskeys();
wire("passkey-add", async () => {
  const { creation } = await confirmed(`${API}/passkeys`);
  await reloaded(api("POST", `${API}/passkeys/finish`, { credential: await create(creation) }));
});
wire("passkey-remove", ({ dataset }) => reloaded(confirmed(`${API}/passkeys/remove`, { passkey: dataset.passkeyRemove })));
wire("password-remove", () => reloaded(confirmed(`${API}/password/remove`)));

wire("password-change", () => {
  passwordDialog.querySelector("form").reset();
  part("password-error").textContent = "";
  passwordDialog.showModal();
});
submits(passwordDialog.querySelector("form"), ({ password }) => {
  const changed = confirmed(`${API}/password`, { password: password.value });
  return reloaded(changed.catch((reason) => {
    throw aboutPassword(reason);
  }));
}, part("password-error"));

wire("totp-replace", async () => {
  const { offer } = await confirmed(`${API}/totp`);
  showOffer(offer);
  totpDialog.querySelector("form").reset();
  part("totp-error").textContent = "";
  totpDialog.showModal();
});
submits(totpDialog.querySelector("form"), ({ totp }) => {
  const kept = api("POST", `${API}/totp/finish`, { totp: digits(totp) });
  return reloaded(kept.catch((reason) => {
    throw aboutCode(reason);
  }));
}, part("totp-error"));
