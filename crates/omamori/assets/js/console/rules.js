/** Rules: the draft is kept, checked and proposed; signals are put where the cursor is; labels are set. */

import { api } from "../api.js";
import { busy, part, toast } from "../dom.js";
import { t } from "../i18n.js";
import { refreshRegions } from "../regions.js";
import { told } from "./main.js";

const form = part("rules-form");
if (form) {
  const { rules, reason } = form.elements;
  const error = part("rules-error");
  const attempt = (button, act) =>
    busy(button, async () => {
      error.textContent = "";
      try {
        await act();
      } catch (refused) {
        error.textContent = refused.reason ? `${refused.text} ${refused.reason}` : told(refused);
      }
    });
  let kept = rules.value;
  const save = async () => {
    await api("POST", "/api/admin/v1/rules/draft", { rules: rules.value });
    kept = rules.value;
  };
  part("save").addEventListener("click", ({ target }) =>
    attempt(target, async () => {
      await save();
      toast(t("rules.saved"));
      await refreshRegions();
    }),
  );
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    attempt(part("propose"), async () => {
      await save();
      await api("POST", "/api/admin/v1/rules/propose", { rules: rules.value, reason: reason.value });
      location.assign("/console/approvals");
    });
  });
  document.addEventListener("click", ({ target }) => {
    const signal = target.closest("[data-signal]");
    if (!signal) return;
    rules.setRangeText(signal.dataset.signal, rules.selectionStart, rules.selectionEnd, "end");
    rules.focus();
  });
  window.addEventListener("beforeunload", (event) => {
    if (rules.value !== kept) event.preventDefault();
  });
}

part("label-form")?.addEventListener("submit", (event) => {
  event.preventDefault();
  const { decision, kind } = event.target.elements;
  busy(event.submitter, async () => {
    part("label-error").textContent = "";
    try {
      await api("POST", "/api/admin/v1/rules/labels", { decision: decision.value.trim(), kind: kind.value });
      decision.value = "";
      toast(t("rules.label_set_done"));
      await refreshRegions();
    } catch (refused) {
      part("label-error").textContent = refused.code === "not_found" ? t("rules.bench_none") : told(refused);
    }
  });
});
