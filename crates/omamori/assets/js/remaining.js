/** How long something still takes, in words that keep up with the clock. */

import { t } from "./i18n.js";

const MINUTE_MS = 60_000;
const EVERY_MS = 10_000;

/**
 * Writes "23 hours 59 minutes left" into an element until it is over; then `over`.
 * @param {Element} element
 * @param {string} instant RFC 3339
 * @param {string} over
 */
export function countDown(element, instant, over) {
  const until = Date.parse(instant);
  const write = () => {
    const minutes = Math.ceil((until - Date.now()) / MINUTE_MS);
    const words = t(minutes >= 60 ? "remaining.hours" : "remaining.minutes", {
      hours: Math.floor(minutes / 60), minutes: minutes % 60,
    });
    element.textContent = minutes > 0 ? words : over;
    if (minutes <= 0) clearInterval(timer);
  };
  const timer = setInterval(write, EVERY_MS);
  write();
}
