/** Coupons: set, and put away. */

import { api } from "./api.js";
import { busy, toast } from "./dom.js";
import { refreshRegions } from "./regions.js";
import { followWallet } from "./wallet.js";

followWallet();

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-coupon-set], [data-coupon-unset]");
  if (!button) return;
  const { couponSet, couponUnset } = button.dataset;
  const act = couponSet ? "set" : "unset";
  busy(button, async () => {
    try {
      const id = encodeURIComponent(couponSet ?? couponUnset);
      await api("POST", `/api/wallet/v1/coupons/${id}/${act}`);
      await refreshRegions();
    } catch (error) {
      toast(error.text);
    }
  });
});
