/** Notices: seen once they were on the screen; and push to this phone, if its reader wants it. */

import { api } from "./api.js";
import { busy, part, toast } from "./dom.js";
import { t } from "./i18n.js";
import { countUnread, followWallet } from "./wallet.js";

const SEEN = "/api/wallet/v1/notices/seen";
const PUSH = "/api/wallet/v1/push";

followWallet(() => {}, markSeen);
document.addEventListener("visibilitychange", markSeen);
markSeen();
offerPush().catch(() => {}); // the page is whole without it

/** The list keeps its marks until the page is opened again; the bell does not. */
async function markSeen() {
  const newest = part("notice")?.dataset.notice;
  if (document.hidden || !newest) return;
  await api("POST", SEEN, { notice_id: newest }).then(countUnread, () => {});
}

async function offerPush() {
  const offer = part("push");
  if (!offer || !("PushManager" in window)) return;
  const { pushManager } = await navigator.serviceWorker.ready;
  const { application_server_key: key, subscribed } = await api("GET", PUSH);
  const present = await pushManager.getSubscription();
  const on = part("push-on");
  const off = part("push-off");
  const reflect = (isOn) => {
    on.hidden = isOn;
    off.hidden = !isOn;
  };
  const offering = (button, act) =>
    button.addEventListener("click", () =>
      busy(button, act).catch((error) => toast(error.text ?? t("error.text"))),
    );
  offering(on, async () => reflect(await subscribe(pushManager, key)));
  offering(off, async () => {
    await api("DELETE", PUSH);
    await (await pushManager.getSubscription())?.unsubscribe();
    reflect(false);
  });
  reflect(subscribed && present !== null);
  offer.hidden = false;
}

/** Whether this phone is subscribed then. */
async function subscribe(pushManager, applicationServerKey) {
  if ((await Notification.requestPermission()) !== "granted") {
    toast(t("notice.push_denied"));
    return false;
  }
  // One that was made for another key of the server works no more.
  await (await pushManager.getSubscription())?.unsubscribe();
  const options = { userVisibleOnly: true, applicationServerKey };
  const { endpoint, keys } = (await pushManager.subscribe(options)).toJSON();
  await api("POST", PUSH, { endpoint, keys: { p256dh: keys.p256dh, auth: keys.auth } });
  return true;
}
