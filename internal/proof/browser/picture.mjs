// The picture in the README of examples/observability, of a fixed size. It is taken when
// the outage of the play is over: then each scene is in it.
import assert from "node:assert/strict";
import path from "node:path";
import { test } from "node:test";
import { visit } from "./kit.mjs";

const { BASE, SHOTS } = process.env;
const [width, height] = [1200, 1380];

test("the end of the play", async (t) => {
  const page = await visit(t, { viewport: { width, height }, colorScheme: "light" });
  await page.goto(BASE);
  const over = () => {
    const row = [...document.querySelectorAll("tbody tr")].find((r) => r.firstElementChild.textContent === "answers 503");
    const [now, , most] = [...row.querySelectorAll("td")].map((d) => d.textContent);
    return now === "0 %" && most !== "0 %";
  };
  await page.waitForFunction(over, undefined, { timeout: 300_000 });
  await page.evaluate(() => document.activeElement.blur());
  const last = await page.locator(".panel").nth(3).boundingBox();
  assert.ok(last.y + last.height <= height && last.y + last.height > height - 60, `the fourth panel ends at ${last.y + last.height} of ${height}`);
  await page.screenshot({ path: path.join(SHOTS, "dashboard.png"), clip: { x: 0, y: 0, width, height } });
});
