/** Both languages say everything that templates, scripts and the server ask for, and no more. */

import assert from "node:assert/strict";
import { readFileSync, readdirSync } from "node:fs";
import test from "node:test";

const crate = new URL("../../", import.meta.url).pathname;
const read = (path) => readFileSync(crate + path, "utf8");
const files = (folder, ending) =>
  readdirSync(crate + folder, { recursive: true })
    .filter((path) => path.endsWith(ending))
    .map((path) => `${folder}/${path}`);
const ja = JSON.parse(read("assets/i18n/ja.json"));
const en = JSON.parse(read("assets/i18n/en.json"));
const namespaces = [...new Set(Object.keys(ja).map((key) => key.split(".")[0]))].join("|");
const KEY = new RegExp(`["'\`]((?:${namespaces})\\.(?!html)[a-z0-9_]+)["'\`]`, "g");

/** Every key that is written anywhere, with the file that writes it. */
function used() {
  const written = [
    ...files("templates", ".html"),
    ...files("assets/js", ".js"),
    ...files("src", ".rs"),
  ];
  return new Map(
    written
      .flatMap((file) => [...read(file).matchAll(KEY)].map(([, key]) => [key, file]))
      .filter(([key]) => !key.endsWith("_")), // a family: see below
  );
}

/** What stands before a word that is known at run time only: `text.named("act.", word)`. */
function families() {
  const written = [...files("templates", ".html"), ...files("src", ".rs")];
  return written.flatMap((file) =>
    [...read(file).matchAll(/named\(\s*"([a-z0-9_.]+)"/g)].map(([, family]) => family),
  );
}

const placeholders = (text) => [...text.matchAll(/\{(\w+)\}/g)].map(([, name]) => name).sort();

test("both languages have the same keys, none empty", () => {
  assert.deepEqual(Object.keys(en).sort(), Object.keys(ja).sort());
  for (const [key, text] of [...Object.entries(ja), ...Object.entries(en)])
    assert.ok(text.trim(), key);
});

test("a text has the same placeholders in both languages", () => {
  for (const key of Object.keys(ja))
    assert.deepEqual(placeholders(en[key]), placeholders(ja[key]), key);
});

test("each key that is used exists", () => {
  const keys = used();
  assert.ok(keys.size > 100);
  for (const [key, file] of keys) assert.ok(key in ja, `${key} in ${file}`);
});

test("each key that exists is used", () => {
  const [keys, dynamic] = [used(), families()];
  const isDynamic = (key) => dynamic.some((family) => key.startsWith(family));
  assert.deepEqual(
    Object.keys(ja).filter((key) => !keys.has(key) && !isDynamic(key)),
    [],
  );
});

test("the templates name no text in a namespace that does not exist", () => {
  for (const file of files("templates", ".html")) {
    for (const [, key] of read(file).matchAll(/text\.t\("([^"]+)"\)/g))
      assert.ok(key in ja, `${key} in ${file}`);
  }
});
