/** One case of the customer: it follows what staff do, and takes the customer's words. */

import { reloaded, submits } from "./acts.js";
import { api } from "./api.js";
import { part } from "./dom.js";
import { followWallet } from "./wallet.js";

followWallet();
const form = part("reply");
if (form) {
  const path = `/api/wallet/v1/cases/${encodeURIComponent(form.dataset.reply)}/text`;
  const say = ({ text }) => reloaded(api("POST", path, { text: text.value }));
  submits(form, say, part("error"));
}
