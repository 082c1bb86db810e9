/** Cases: the queue by keyboard, and what is said and done in one case. */

import { api } from "../api.js";
import { busy, part, toast } from "../dom.js";
import { refreshRegions } from "../regions.js";
import { told } from "./main.js";

async function attempt(button, path, body, done) {
  const error = part("case-error");
  error.textContent = "";
  await busy(button, async () => {
    try {
      await api("POST", path, body);
      toast(done);
    } catch (reason) {
      error.textContent = told(reason);
    }
    await refreshRegions();
  });
  return error.textContent === "";
}

document.addEventListener("click", (event) => {
  const take = event.target.closest("[data-take]");
  if (take) attempt(take, take.dataset.take, {}, take.dataset.done);
});

document.addEventListener("submit", async (event) => {
  const form = event.target.closest("[data-say]");
  if (!form) return;
  event.preventDefault();
  const body = Object.fromEntries(new FormData(form));
  const button = form.querySelector("button");
  if (await attempt(button, form.dataset.say, body, form.dataset.done)) form.reset();
});

/** Moves the focus to the row above or below. */
function move(by) {
  const links = [...document.querySelectorAll("[data-row] a:first-of-type")].filter((link) =>
    link.closest("td").matches(":first-child"),
  );
  const here = links.indexOf(document.activeElement);
  const next = here < 0 ? 0 : here + by;
  links[Math.max(0, Math.min(links.length - 1, next))]?.focus();
}

document.addEventListener("keydown", (event) => {
  const typing = event.target.closest("input, textarea, select, dialog[open]");
  if (typing || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key === "j") move(1);
  else if (event.key === "k") move(-1);
  else if (event.key === "t") part("take")?.click();
  else if (event.key === "n" && part("note")) {
    event.preventDefault();
    part("note").focus();
  }
});
