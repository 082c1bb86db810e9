/** Step-up: what is to be done is said, in the server's words, and confirmed with the passkey. */

import { api } from "./api.js";
import { keepSession } from "./device.js";
import { part } from "./dom.js";
import { PasskeyError, use } from "./passkey.js";

/**
 * Does what `path` does, once the person has agreed and shown the passkey. The session gets another token.
 * @param {string} path
 * @param {object} [request]
 * @returns {Promise<any>} the server's answer
 */
export async function confirmed(path, request) {
  const options = await api("POST", `${path}/options`, request ?? {});
  await agreed(options.confirm);
  const credential = await use(options);
  const answer = await api("POST", path, request ? { request, credential } : { credential });
  if (answer.session) await keepSession(answer.session); // a repetition is answered without another one
  return answer;
}

function agreed(words) {
  const dialog = part("stepup-dialog");
  part("stepup-words").textContent = words;
  return new Promise((resolve, reject) => {
    const controller = new AbortController();
    const answer = (act) => () => {
      controller.abort();
      dialog.close();
      act();
    };
    const refuse = answer(() => reject(new PasskeyError("cancelled")));
    const { signal } = controller;
    part("stepup-confirm").addEventListener("click", answer(resolve), { signal });
    part("stepup-cancel").addEventListener("click", refuse, { signal });
    dialog.addEventListener("cancel", refuse, { signal });
    dialog.showModal();
  });
}
