/** The card with the payment code: draws it, renews it every step, shows it large. */

import { code128Svg, customerCode, qrSvg, timeStep } from "./code.js";
import { nowMs, synchronise } from "./clock.js";
import { codeDevice } from "./device.js";
import { part } from "./dom.js";
import { t } from "./i18n.js";

const STEP_MS = 30_000;
const REFRESH_COUNT_MAX = 3;
const BARS_MODULES = 187; // Code 128 of 24 digits with its quiet zones
const QR_MODULES = 29; // version 1 with its quiet zone
const SHOWN_KEY = "omamori.code-shown";

let device = null;
/** Step and refresh count on the screen; kept, so that a reload brings back no used code. */
let shown = JSON.parse(localStorage.getItem(SHOWN_KEY) ?? "null") ?? { step: 0, count: 0 };

/** Starts the card of this page. */
export async function startCode() {
  const card = part("code");
  if (!card) return;
  part("code-refresh", card).addEventListener("click", renew);
  wireBright();
  device = await codeDevice();
  if (!device) {
    say(t("code.not_enrolled"));
    return;
  }
  await tick();
  setInterval(tick, 250);
  // A phone that is turned, or a browser whose bars come and go, changes the room for the bars.
  const room = new ResizeObserver(draw);
  room.observe(card);
  room.observe(part("bright"));
  // Drawn first with the clock as last known: a slow network must not keep anybody waiting.
  synchronise().catch(() => {});
}

/** Puts the next code on the screen: asked for by hand, and after each use of the present one. */
export async function renew() {
  if (!device || shown.count >= REFRESH_COUNT_MAX) return;
  await show(shown.step, shown.count + 1);
}

async function tick() {
  const now = nowMs();
  const step = timeStep(Math.floor(now / 1000));
  if (step !== shown.step) await show(step, 0);
  else if (!shown.digits) await show(step, shown.count);
  const leftMs = STEP_MS - (now % STEP_MS);
  for (const bar of document.querySelectorAll(".countdown")) bar.value = leftMs / 1000;
  part("code-left").textContent = t("code.seconds", { seconds: Math.ceil(leftMs / 1000) });
}

async function show(step, count) {
  shown = { step, count };
  localStorage.setItem(SHOWN_KEY, JSON.stringify(shown));
  try {
    const digits = await customerCode({ ...device, nowSeconds: (step * STEP_MS) / 1000, count });
    if (shown.step !== step || shown.count !== count) return;
    shown.digits = digits;
    draw();
  } catch {
    say(t("code.failed"));
  }
}

function draw() {
  const { digits, count } = shown;
  if (!digits) return;
  const grouped = digits.replace(/(\d{4})(?=\d)/g, "$1 ");
  const bars = picture(code128Svg(digits), t("code.digits_label", { digits: grouped }));
  const square = picture(qrSvg(digits), "");
  for (const [name, source, modules] of [
    ["code-bars", bars, BARS_MODULES],
    ["code-bars-large", bars, BARS_MODULES],
    ["code-qr", square, QR_MODULES],
    ["code-qr-large", square, QR_MODULES],
  ]) {
    const place = part(name);
    const image = source.cloneNode();
    image.style.width = `${wholePixels(place.clientWidth, modules)}px`;
    place.replaceChildren(image);
  }
  part("code-digits").textContent = grouped;
  part("code-digits-large").textContent = grouped;
  part("code").dataset.digits = digits;
  part("code-open").disabled = false;
  const refresh = part("code-refresh");
  refresh.disabled = count >= REFRESH_COUNT_MAX;
  refresh.title = refresh.disabled ? t("code.no_more") : "";
}

function picture(svg, description) {
  const image = new Image();
  image.alt = description;
  image.src = `data:image/svg+xml,${encodeURIComponent(svg)}`;
  return image;
}

/** The largest width at which each module is a whole number of pixels: scanners like it. */
function wholePixels(available, modules) {
  const pixels = Math.floor((available * devicePixelRatio) / modules);
  return (Math.max(pixels, 1) * modules) / devicePixelRatio;
}

function say(message) {
  const place = part("code-message");
  place.textContent = message;
  place.hidden = false;
  part("code-open").hidden = true;
}

function wireBright() {
  const bright = part("bright");
  let lock = null;
  const keepAwake = async () => {
    if (bright.open && !document.hidden)
      lock = await navigator.wakeLock?.request("screen").catch(() => null);
  };
  part("code-open").addEventListener("click", () => {
    bright.showModal();
    draw();
    keepAwake();
  });
  part("bright-close", bright).addEventListener("click", () => bright.close());
  bright.addEventListener("close", () => lock?.release());
  // The browser drops the lock with the page's visibility.
  document.addEventListener("visibilitychange", keepAwake);
}
