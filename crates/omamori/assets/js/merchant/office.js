/** What every page of the back office can do: one sees where one is, prints, and signs out. */

import { api } from "../api.js";
import { part } from "../dom.js";

document.querySelector(".officenav [aria-current]")?.scrollIntoView({ inline: "center", block: "nearest" });

for (const button of document.querySelectorAll("[data-print]"))
  button.addEventListener("click", () => window.print());

part("signout").addEventListener("click", async () => {
  await api("POST", "/api/merchant/v1/signout");
  location.assign("/merchant");
});
