/** A receipt. */

import { part } from "./dom.js";
import { followWallet } from "./wallet.js";

part("print").addEventListener("click", () => window.print());
followWallet();
