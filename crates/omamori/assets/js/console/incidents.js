/** Incidents: opened, the cohort pointed at and counted, acts planned and followed. */

import { api } from "../api.js";
import { busy, part, toast } from "../dom.js";
import { t } from "../i18n.js";
import { refreshRegions } from "../regions.js";
import { told } from "./main.js";

const MINUTE = 60_000_000;

/** Microseconds of what a form says, on Japan's clocks. */
function micros(value, end = 0) {
  return value ? Date.parse(`${value}+09:00`) * 1000 + end : null;
}

/** Acts on stores or payments that may be named. */
const NAMED = ["hold_payouts", "hold_sales", "release_sales"];

async function attempt(form, act) {
  const error = part("error", form);
  error.textContent = "";
  await busy(form.querySelector("[type=submit]"), async () => {
    try {
      await act(new FormData(form));
    } catch (refused) {
      error.textContent = told(refused);
    }
  });
}

const ACTS = {
  async incidentOpen(form, data) {
    const body = Object.fromEntries(data);
    body.first_event_at = micros(body.first_event_at);
    const { incident_id: id } = await api("POST", "/api/admin/v1/incidents", body);
    location.assign(`/console/incidents/${id}`);
  },
  async cohort(form, data) {
    const path = `/api/admin/v1/incidents/${form.dataset.cohort}`;
    const { from, until, money, conditions } = Object.fromEntries(data);
    await api("POST", `${path}/cohort`, {
      from: micros(from),
      until: micros(until, MINUTE),
      money,
      conditions,
    });
    await api("POST", `${path}/count`, {});
    await follow();
  },
  async plan(form, data) {
    const kind = data.get("kind");
    const body = { kind, on: data.get("on") };
    if (kind === "notify") body.letter = data.get("letter");
    if (kind === "close_doors") body.subjects = data.getAll("doors");
    if (NAMED.includes(kind)) body.subjects = data.get("subjects").split(/\s+/).filter(Boolean);
    const path = `/api/admin/v1/incidents/${form.dataset.plan}/acts`;
    const { act_id: id } = await api("POST", path, body);
    location.assign(`/console/incidents/${form.dataset.plan}/acts/${id}`);
  },
  async memberAdd(form, data) {
    const path = `/api/admin/v1/incidents/${form.dataset.memberAdd}/members`;
    await api("POST", path, Object.fromEntries(data));
    form.reset();
    await refreshRegions();
  },
  async write(form, data) {
    const body = { what: form.dataset.what, ...Object.fromEntries(data) };
    if (body.first_event_at) body.first_event_at = micros(body.first_event_at);
    await api("POST", `/api/admin/v1/incidents/${form.dataset.write}/write`, body);
    if (body.what === "note") form.reset();
    toast(t("incident.written"));
    await refreshRegions();
  },
};

document.addEventListener("submit", (event) => {
  const name = Object.keys(ACTS).find((act) => act in event.target.dataset);
  if (!name) return;
  event.preventDefault();
  attempt(event.target, (data) => ACTS[name](event.target, data));
});

/** Puts a line more into the question. */
function point(line) {
  const area = part("conditions");
  const lines = area.value.split("\n").filter((one) => one.trim());
  if (line && !lines.includes(line)) lines.push(line);
  area.value = lines.join("\n");
}

document.addEventListener("click", async ({ target }) => {
  const pointed = target.closest("[data-point]");
  if (pointed) point(pointed.dataset.point);
  const again = target.closest("[data-again]");
  if (again) {
    await busy(again, async () => {
      await api("POST", again.dataset.again, {});
      await follow();
    });
  }
  if (target.closest("[data-point-add]")) {
    const input = part("point-input");
    const what = input.value.trim();
    if (/^(cse|alt)_/.test(what)) {
      location.assign(`?touching=${encodeURIComponent(what)}`);
      return;
    }
    point(what);
    input.value = "";
  }
});

const kind = part("plan")?.elements.kind;
function showFields() {
  for (const field of document.querySelectorAll("[data-for]"))
    field.hidden = !field.dataset.for.split(" ").includes(kind.value);
}
kind?.addEventListener("change", showFields);
if (kind) showFields();

/** As long as an act is carried out or a count is made, the page follows it. */
let following;
async function follow() {
  clearTimeout(following);
  await refreshRegions();
  if (part("follow")) following = setTimeout(follow, 1000);
}
if (part("follow")) following = setTimeout(follow, 1000);
