/** Every page of the console: search, keys, and the one dialog through which acts are done. */

import { api, ApiError } from "../api.js";
import { busy, copy, el, part, toast } from "../dom.js";
import { t } from "../i18n.js";
import { refreshRegions } from "../regions.js";

const dialog = part("act-dialog");
const form = part("act-form");
const secretDialog = part("secret-dialog");
let act = null;
let key = null;

/** What to tell the person of an error: a missing field by its name. */
export function told(error) {
  if (!(error instanceof ApiError)) return error.text ?? t("error.text");
  return error.fields.some(({ field }) => field === "reason") ? t("console.reason_missing") : error.text;
}

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-act]");
  if (button) open(button);
});

function open(button) {
  act = button;
  const { title, text, confirm, fields = "" } = button.dataset;
  form.reset();
  part("act-title").textContent = title;
  part("act-text").textContent = text;
  part("act-confirm").textContent = confirm;
  part("act-error").textContent = "";
  // Of this opening of the dialog: pressed twice, or sent again, it is the same act.
  key = crypto.randomUUID();
  for (const name of ["name", "amount", "role", "message"]) {
    const wanted = fields.split(" ").includes(name);
    part(`act-${name}-field`).hidden = !wanted;
    form.elements[name].disabled = !wanted;
    form.elements[name].required = wanted && name !== "message";
  }
  form.elements.amount.max = button.dataset.amountMax ?? "";
  const scoped = fields.split(" ").includes("scope");
  part("act-scope-field").hidden = !scoped;
  for (const name of ["scope", "hours"]) form.elements[name].disabled = !scoped;
  reflectScope();
  dialog.showModal();
}

/** Of everybody there is nobody to name. */
function reflectScope() {
  const { scope, subject } = form.elements;
  const isNamed = !scope.disabled && scope.value !== "all";
  part("act-subject-field").hidden = !isNamed;
  subject.disabled = !isNamed;
  subject.required = isNamed;
}

form.elements.scope.addEventListener("change", reflectScope);
// On a phone the way through the console is longer than the screen.
document.querySelector(".desknav [aria-current]")?.scrollIntoView({ inline: "center", block: "nearest" });

part("act-cancel").addEventListener("click", () => dialog.close());
form.addEventListener("submit", (event) => {
  event.preventDefault();
  busy(part("act-confirm"), async () => {
    const body = Object.fromEntries(new FormData(form));
    const { unmask, state, customer, what } = act.dataset;
    if (unmask) body.contact = unmask;
    if (state) Object.assign(body, { state, customers: customer ? [customer] : [] });
    if (what) body.what = what;
    if (body.amount) Object.assign(body, { amount: Number(body.amount), key });
    try {
      const answer = await api("POST", act.dataset.act, body);
      dialog.close();
      await done(answer);
    } catch (error) {
      part("act-error").textContent = told(error);
    }
  });
});

async function done(answer) {
  if (answer?.value) {
    part(`contact="${act.dataset.unmask}"`).textContent = answer.value;
    act.remove();
    return;
  }
  toast(answer?.approval_id ? t("console.asked") : act.dataset.done);
  await refreshRegions();
  follow();
}

let following = 0;

/** As long as the server works at something that the page shows, the page follows it. */
function follow() {
  clearTimeout(following);
  if (!part("follow")) return;
  following = setTimeout(async () => {
    try {
      await refreshRegions();
    } catch (error) {
      if (error.status === 401) location.reload();
    }
    follow();
  }, 1000);
}
follow();

/** Shows a secret that the server has nowhere else. */
export function showOnce(secret) {
  part("secret").textContent = secret;
  secretDialog.showModal();
}

part("secret-copy").addEventListener("click", () => copy(part("secret").textContent));
// Escape would take away what nobody has handed on yet.
secretDialog.addEventListener("cancel", (event) => event.preventDefault());
part("secret-close").addEventListener("click", () => secretDialog.close());
secretDialog.addEventListener("close", () => {
  part("secret").textContent = "";
});

part("signout").addEventListener("click", async () => {
  await api("POST", "/api/admin/v1/signout");
  location.assign("/console");
});

const answer = part("search-answer");
part("search").addEventListener("submit", async (event) => {
  event.preventDefault();
  const q = part("q").value.trim();
  if (!q) return;
  try {
    const { results } = await api("POST", "/api/admin/v1/search", { q });
    if (results.length === 1) location.assign(results[0].href);
    else show(results);
  } catch (error) {
    say(told(error));
  }
});

function show(results) {
  if (results.length === 0) return say(t("console.not_found"));
  const links = results.map(({ href, label }) => el("a", { href, class: "mono" }, label));
  answer.replaceChildren(...links);
  answer.hidden = false;
}

function say(text) {
  answer.replaceChildren(el("p", {}, text));
  answer.hidden = false;
}

part("q").addEventListener("input", () => {
  answer.hidden = true;
});

document.addEventListener("keydown", (event) => {
  const typing = event.target.closest("input, textarea, select, dialog[open]");
  if (event.key === "Escape") answer.hidden = true;
  if (typing || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key === "/") {
    event.preventDefault();
    part("q").focus();
    part("q").select();
  } else if (event.key === "?") {
    part("keys-dialog").showModal();
  } else {
    document.querySelector(`.desknav [data-key="${CSS.escape(event.key)}"]`)?.click();
  }
});
