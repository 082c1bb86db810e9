/** Settings: recovery codes and sign-out. */

import { api } from "./api.js";
import { busy, copy, el, part, toast } from "./dom.js";
import { confirmWithPasskey } from "./passkey.js";
import { followWallet } from "./wallet.js";

followWallet();

const codesDialog = part("recovery-dialog");
const signoutDialog = part("signout-dialog");

part("recovery-new").addEventListener("click", (event) =>
  busy(event.currentTarget, newCodes).catch(complain),
);
part("recovery-copy").addEventListener("click", () => {
  copy([...part("recovery-codes").children].map((line) => line.textContent).join("\n"));
});
// Escape would take away codes that nobody has written down yet.
codesDialog.addEventListener("cancel", (event) => event.preventDefault());
part("recovery-close").addEventListener("click", () => location.reload());

part("signout").addEventListener("click", () => signoutDialog.showModal());
part("signout-cancel").addEventListener("click", () => signoutDialog.close());
part("signout-confirm").addEventListener("click", (event) =>
  busy(event.currentTarget, signOut).catch(complain),
);

async function newCodes() {
  const { recovery_codes: codes } = await confirmWithPasskey("/api/wallet/v1/recovery-codes");
  part("recovery-codes").replaceChildren(...codes.map((code) => el("li", {}, code)));
  codesDialog.showModal();
}

async function signOut() {
  await api("POST", "/api/wallet/v1/signout");
  location.assign("/");
}

function complain(error) {
  toast(error.text ?? error.message);
}
