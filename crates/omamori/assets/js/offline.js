/** The page that opens without network: the code, and back as soon as there is a network. */

import { startCode } from "./codecard.js";

startCode();
window.addEventListener("online", () => location.assign("/"));
