// The dashboard of examples/observability in a real browser. The Go test beside this
// file starts the program and runs: node --test dashboard.mjs. BASE is the address of
// the page, DASHBOARD the file in Grafana's format whose panels it draws, CHROMIUM the
// browser, SHOTS a folder for screenshots.
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import path from "node:path";
import { test } from "node:test";
import { violations, visit } from "./kit.mjs";

const { BASE, DASHBOARD, SHOTS } = process.env;
const { panels } = JSON.parse(await readFile(DASHBOARD, "utf8"));

// open waits until each panel has a line that can be seen, and no dot: Prometheus has to
// ask for the metrics twice before there is a rate. Nothing that the page asks for may
// fail.
const open = async (t, options, expected = []) => {
  const page = await visit(t, options, expected);
  const failed = [];
  page.on("requestfailed", (r) => failed.push(r.url()));
  page.on("response", (r) => r.status() >= 400 && failed.push(`${r.status()} ${r.url()}`));
  t.after(() => expected.length > 0 || assert.deepEqual(failed, []));
  for (const until = Date.now() + 90_000; ; ) {
    await page.goto(BASE);
    const drawn = await page.locator(".panel").evaluateAll((all) => all.filter((p) => [...p.querySelectorAll("path.line")].some((l) => l.getBoundingClientRect().width > 20)).length);
    if (drawn === panels.length) return page;
    assert.ok(Date.now() < until, `${drawn} of ${panels.length} panels have a line`);
  }
};

// withClock is open with a clock that stands still until the test moves it: the page
// loads itself again when the test says so.
const withClock = async (t, expected) => {
  const page = await open(t, {}, expected);
  const now = Date.now();
  await page.clock.install({ time: now });
  await page.clock.pauseAt(now + 1_000); // for the page that comes now, too
  await page.reload();
  return page;
};

const again = async (page) => {
  const main = await page.locator("#main").elementHandle();
  await page.clock.runFor(5_000);
  await page.waitForFunction((old) => !old.isConnected, main);
};
const active = (page) => page.evaluate(() => document.activeElement.id);
const unfold = (page) => page.locator("details").evaluateAll((all) => all.forEach((d) => (d.open = true)));
const panel = (page, i) => page.locator(".panel").nth(i);

// lineStyles are the eight looks of a line: the panels may need fewer of them today.
const lineStyles = (page) =>
  page.locator("svg.lines").first().evaluate((svg) =>
    Array.from({ length: 8 }, (_, k) => {
      const line = svg.appendChild(document.createElementNS("http://www.w3.org/2000/svg", "path"));
      line.setAttribute("class", `line s${k + 1}`);
      const { stroke, strokeDasharray } = getComputedStyle(line);
      line.remove();
      return { stroke, strokeDasharray };
    }),
  );

test("every panel, as lines, in words and as numbers", async (t) => {
  const page = await withClock(t);
  assert.deepEqual(await page.locator(".panel h2").allInnerTexts(), panels.map((p) => p.title));
  await unfold(page);
  for (const [i, { title, description }] of panels.entries()) {
    const p = panel(page, i);
    assert.equal(await p.locator(":scope > p").innerText(), description);
    const now = await p.locator("table").first().locator("tbody th").allInnerTexts();
    assert.ok(now.length > 0 && new Set(now).size === now.length, `${title}: ${now}`);
    const values = p.locator("details table");
    assert.deepEqual(await values.locator("tbody th").allInnerTexts(), now);
    assert.equal(await values.locator("tbody td").count(), 5 * now.length);
    assert.ok((await values.locator("tbody td").allInnerTexts()).some((v) => /\d/.test(v)), `${title}: no value`);
    const chart = p.getByRole("img");
    const name = await chart.getAttribute("aria-label");
    assert.ok(name.startsWith(`${title} from `), name);
    for (const series of now) assert.ok(name.includes(`${series} is `), `${name} has no ${series}`);
    const lines = await chart.locator("path.line").evaluateAll((all) => all.map((l) => [l.getBoundingClientRect().width, l.getAttribute("class")]));
    assert.equal(lines.length, now.length, title);
    assert.ok(lines.every(([width]) => width > 0), `${title}: ${lines}`);
    assert.deepEqual(lines.map((l) => l[1]), lines.map((_, k) => `line s${(k % 8) + 1}`));
  }
});

test("lines differ by colour and by dashes", async (t) => {
  const styles = await lineStyles(await open(t));
  for (const of of ["stroke", "strokeDasharray"]) assert.equal(new Set(styles.map((s) => s[of])).size, 8, JSON.stringify(styles));
});

test("alerts, each with its state", async (t) => {
  const page = await open(t);
  const rows = await page.getByRole("region", { name: "Alerts, table" }).getByRole("row").allInnerTexts();
  assert.equal(rows.length, 7);
  for (const row of rows.slice(1)) assert.match(row, /^Cognito\w+\s+(inactive|pending|firing)\s+\S/);
});

test("no other page frames it, and no series becomes a script", async (t) => {
  const page = await open(t);
  const policy = (await (await page.reload()).allHeaders())["content-security-policy"];
  assert.match(policy, /^default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; /);
  assert.match(policy, /base-uri 'none'; form-action 'none'; frame-ancestors 'none'$/);
});

test("it loads itself again, and keeps what the reader has open, scrolled and focused", async (t) => {
  const page = await withClock(t);
  await page.setViewportSize({ width: 320, height: 800 });
  const values = page.getByRole("region", { name: `${panels[1].title}, values over time` });
  await panel(page, 1).getByText("Values over time").click();
  await values.focus();
  const focused = await active(page);
  await values.evaluate((e) => (e.scrollLeft = 40));
  await again(page);
  assert.equal(await values.evaluate((e) => e.scrollLeft), 40);
  assert.equal(await active(page), focused);
  await panel(page, 0).getByRole("region", { name: `${panels[0].title}, table` }).focus();
  await again(page);
  assert.equal(await page.evaluate(() => document.activeElement.getAttribute("aria-label")), `${panels[0].title}, table`);
});

test("pause", async (t) => {
  const page = await withClock(t);
  let asked = 0;
  page.on("request", () => asked++);
  await again(page);
  assert.equal(asked, 1);
  await page.getByRole("button", { name: "Pause" }).click();
  await page.clock.runFor(60_000);
  await page.getByRole("button", { name: "Go on" }).click();
  await again(page);
  assert.equal(asked, 2);
});

test("no answer", async (t) => {
  const page = await withClock(t, ["Failed to load resource: net::ERR_CONNECTION_REFUSED", "Failed to load resource: the server responded with a status of 502 (Bad Gateway)"]);
  const note = page.getByRole("status");
  assert.equal(await note.innerText(), "");
  for (const fail of [(route) => route.abort("connectionrefused"), (route) => route.fulfill({ status: 502, body: "Prometheus is gone" })]) {
    await page.route(BASE, fail);
    await page.clock.runFor(5_000);
    await note.getByText("There is no answer. What you see is old.").waitFor();
    await page.unroute(BASE);
    await again(page);
    assert.equal(await note.innerText(), "");
  }
});

test("keyboard only", async (t) => {
  const page = await withClock(t);
  const names = [];
  for (let i = 0; i < 2 + 2 * panels.length; i++) {
    await page.keyboard.press("Tab");
    names.push(await page.evaluate(() => document.activeElement.getAttribute("aria-label") ?? document.activeElement.innerText));
  }
  assert.deepEqual(names, ["Pause", "Alerts, table", ...panels.flatMap((p) => [`${p.title}, table`, "Values over time"])]);
  await page.keyboard.press("Enter");
  await page.keyboard.press("Tab");
  assert.equal(await page.evaluate(() => document.activeElement.getAttribute("aria-label")), `${panels.at(-1).title}, values over time`);
});

// contrasts are the smallest contrast of what is drawn to its card, of lines and of text
// (WCAG 2.2, relative luminance). axe looks at the text outside of the pictures.
const contrasts = async (page) =>
  page.evaluate((strokes) => {
    const light = (colour) => {
      const [r, g, b] = colour.match(/[\d.]+/g).map((v) => v / 255).map((v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4));
      return 0.2126 * r + 0.7152 * g + 0.0722 * b;
    };
    const back = light(getComputedStyle(document.querySelector(".panel")).backgroundColor);
    const contrast = (colour) => (Math.max(light(colour), back) + 0.05) / (Math.min(light(colour), back) + 0.05);
    const texts = [...document.querySelectorAll(".chart text")].map((e) => getComputedStyle(e).fill);
    return [strokes, texts].map((colours) => Math.min(...colours.map(contrast)));
  }, (await lineStyles(page)).map((s) => s.stroke));

// outside are the texts, cards and pictures that stand over the edge of the window. A
// table may, in a box that scrolls.
const outside = (page) =>
  page.evaluate(() =>
    [...document.querySelectorAll("h1, h2, p, button, summary, section, .scroll, .chart text, path.line")]
      .map((e) => [e, e.getBoundingClientRect()])
      .filter(([, r]) => r.width > 0 && (r.left < 0 || r.right > innerWidth))
      .map(([e, r]) => `${e.outerHTML.slice(0, 80)} ${r.left} ${r.right}`),
  );

for (const colorScheme of ["light", "dark"]) {
  test(`narrow, ${colorScheme}, for assistive technology`, async (t) => {
    const page = await open(t, { viewport: { width: 320, height: 800 }, colorScheme });
    await page.getByRole("button", { name: "Pause" }).click();
    await page.screenshot({ path: path.join(SHOTS, `dashboard-${colorScheme}-320.png`), fullPage: true });
    await unfold(page);
    for (const width of [390, 320]) {
      await page.setViewportSize({ width, height: 800 });
      assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), `${width}: it scrolls sideways`);
      assert.deepEqual(await outside(page), []);
    }
    const [lines, text] = await contrasts(page);
    assert.ok(lines >= 3 && text >= 4.5, `contrast of lines ${lines}, of text ${text}`);
    assert.deepEqual(await violations(page), []);
  });
}

test("without script", async (t) => {
  const page = await open(t, { javaScriptEnabled: false });
  assert.equal(await page.getByRole("img").count(), panels.length);
  assert.equal(await page.getByRole("button", { name: "Pause" }).count(), 0);
});
