/** Texts of the page's language, from the catalogue that the server's templates use too. */

export const lang = document.documentElement.lang;

const catalogue = await fetch(`/assets/i18n/${lang}.json`).then((answer) => answer.json());

/**
 * The text of a key.
 * @param {string} key
 * @param {Record<string, string | number>} [values] what stands for `{name}` in the text
 * @returns {string}
 */
export function t(key, values = {}) {
  return catalogue[key].replace(/\{(\w+)\}/g, (_, name) => String(values[name]));
}
