/** A page of the wallet that only says at once what happened to the money. */

import { followWallet } from "./wallet.js";

followWallet();
