// What the tests of a page share: a Chromium, and what no page may do in it.
// CHROMIUM is the browser.
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { after, before } from "node:test";
import { chromium } from "playwright-core";

const axe = await readFile(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
let browser;

// The sandbox of Chromium does not run as root, where CI does.
before(async () => {
  browser = await chromium.launch({ executablePath: process.env.CHROMIUM, args: process.getuid?.() === 0 ? ["--no-sandbox"] : [] });
});
after(() => browser?.close());

// visit makes a context with a page. What the console says of an error fails the test,
// unless it is a text of expected, which Chromium writes for each answer of that kind.
export const visit = async (t, options = {}, expected = []) => {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, ...options });
  context.setDefaultTimeout(20_000);
  const said = [];
  const listen = (page) => {
    page.on("console", (m) => ["error", "warning"].includes(m.type()) && said.push(m.text()));
    page.on("pageerror", (e) => said.push(String(e)));
  };
  context.on("page", listen);
  const page = await context.newPage();
  t.after(async () => {
    await context.close();
    assert.deepEqual(said.filter((text) => !expected.includes(text)), [], "the console says something");
  });
  return page;
};

// violations is what axe finds. It comes through the DevTools protocol: the page's
// policy allows no foreign script.
export const violations = async (page) => {
  await page.evaluate(axe);
  return page.evaluate(async () => (await globalThis.axe.run()).violations.map((v) => `${v.id}: ${v.nodes[0].html}`));
};
