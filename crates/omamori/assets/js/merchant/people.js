/** Who of the merchant signs in: invitations, roles, removal. Each is confirmed by the passkey. */

import { busy, copy, part } from "../dom.js";
import { t } from "../i18n.js";
import { refreshRegions } from "../regions.js";
import { confirmed, told } from "./confirm.js";

const PEOPLE = "/api/merchant/v1/people";
const personDialog = part("person-dialog");
const removeDialog = part("remove-dialog");
const addressDialog = part("address-dialog");
/** Who it is about; none while somebody is invited. */
let person = null;

const of = (id, act) => `${PEOPLE}/${encodeURIComponent(id)}/${act}`;

document.addEventListener("click", (event) => {
  const invite = event.target.closest("[data-invite-new]");
  const role = event.target.closest("[data-role-of]");
  const remove = event.target.closest("[data-remove]");
  if (invite) openPerson(null, t("people.invite"), "clerk");
  if (role) openPerson(role.dataset.roleOf, role.dataset.name, role.dataset.role);
  if (remove) openRemove(remove.dataset);
});

function openPerson(id, title, role) {
  person = id;
  const form = part("person-form");
  form.reset();
  form.elements.role.value = role;
  form.elements.name.required = id === null;
  part("person-name").hidden = id !== null;
  part("person-title").textContent = title;
  part("person-error").textContent = "";
  personDialog.showModal();
}

part("person-cancel").addEventListener("click", () => personDialog.close());
part("person-form").addEventListener("submit", (event) => {
  event.preventDefault();
  const { name, role } = event.target.elements;
  busy(event.submitter, async () => {
    try {
      if (person === null) {
        const made = await confirmed(PEOPLE, { name: name.value, role: role.value });
        part("address").textContent = made.address;
        personDialog.close();
        addressDialog.showModal();
      } else {
        await confirmed(of(person, "role"), { role: role.value });
        personDialog.close();
      }
      await refreshRegions();
    } catch (error) {
      part("person-error").textContent = told(error);
    }
  });
});

function openRemove({ remove, name }) {
  person = remove;
  part("remove-name").textContent = name;
  part("remove-error").textContent = "";
  removeDialog.showModal();
}

part("remove-cancel").addEventListener("click", () => removeDialog.close());
part("remove-confirm").addEventListener("click", (event) =>
  busy(event.currentTarget, async () => {
    try {
      await confirmed(of(person, "remove"), {});
      removeDialog.close();
      await refreshRegions();
    } catch (error) {
      part("remove-error").textContent = told(error);
    }
  }),
);

part("address-copy").addEventListener("click", () => copy(part("address").textContent));
// Escape would take away an address that nobody has passed on yet.
addressDialog.addEventListener("cancel", (event) => event.preventDefault());
part("address-close").addEventListener("click", () => addressDialog.close());
addressDialog.addEventListener("close", () => {
  part("address").textContent = "";
});
