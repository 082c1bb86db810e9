// Runs before the first paint, so that a balance the customer hid never flashes up.
if (localStorage.getItem("omamori.balance") === "hidden") {
  document.documentElement.dataset.balanceHidden = "";
}
