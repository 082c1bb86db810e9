/** The dialog that waits for the customer's code: scanner, camera or fingers. */

import { part, yen } from "../dom.js";
import { t } from "../i18n.js";
import { cameraReads, readCamera } from "./camera.js";

let onCode = () => {};
let camera = null;

/**
 * Waits for a code.
 * @param {{ title: string, amount: number, note?: string }} what
 * @param {(digits: string) => void} then called once
 */
export function askForCode({ title, amount, note = "" }, then) {
  onCode = then;
  part("scan-title").textContent = title;
  part("scan-amount").textContent = yen(amount);
  part("scan-note").textContent = note;
  fail("");
  part("scan").showModal();
  // Not the field: a scanner is heard anywhere, and a tablet would open its keyboard.
  part("scan-cancel").focus();
}

/** Whether the dialog waits. */
export function isWaiting() {
  return part("scan").open;
}

/** Takes a code for the waiting dialog. */
export function take(digits) {
  if (!isWaiting()) return;
  if (!/^\d{24}$/.test(digits)) {
    fail(t("till.scan_length"));
    return;
  }
  part("scan").close();
  onCode(digits);
}

function fail(message) {
  part("scan-error").textContent = message;
}

function stopCamera() {
  camera?.abort();
  camera = null;
  part("scan-camera").lastChild.textContent = t("till.camera");
}

async function toggleCamera() {
  if (camera) return stopCamera();
  if (!(await cameraReads())) return fail(t("till.camera_missing"));
  camera = new AbortController();
  part("scan-camera").lastChild.textContent = t("till.camera_stop");
  try {
    await readCamera(
      part("scan-video"),
      (digits) => digits.length === 24 && take(digits),
      camera.signal,
    );
  } catch {
    stopCamera();
    fail(t("till.camera_denied"));
  }
}

part("scan-form").addEventListener("submit", (event) => {
  event.preventDefault();
  take(event.target.elements.code.value.replace(/\s/g, ""));
});
part("scan-camera").addEventListener("click", toggleCamera);
part("scan-cancel").addEventListener("click", () => part("scan").close());
part("scan").addEventListener("close", () => {
  stopCamera();
  part("scan-form").reset();
});
