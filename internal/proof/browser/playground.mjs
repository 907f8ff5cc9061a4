// The playground in a real browser. The Go test beside this file starts the
// program and runs: node --test playground.mjs. BASE is the address of the page,
// CHROMIUM the browser, SHOTS a folder for screenshots.
import assert from "node:assert/strict";
import path from "node:path";
import { test } from "node:test";
import { violations, visit } from "./kit.mjs";

const { BASE, SHOTS } = process.env;

const open = async (t, options, expected) => {
  const page = await visit(t, options, expected);
  await page.goto(BASE);
  return page;
};

// settle waits until the answer to a form has come.
const press = async (page, button) => {
  const answer = page.waitForResponse((r) => r.request().method() === "POST");
  await button.click();
  await (await answer).finished();
  await page.waitForFunction(() => !document.querySelector("[aria-busy=true]"));
  return page.locator("#result").innerText();
};

const route = (page, name) => page.locator("form.route", { has: page.getByRole("heading", { name }) });

// What each button of each route must bring, from the policies in api.go.
const statuses = {
  "GET /healthz": { "no token": 200, jane: 200, omar: 200, ada: 200, machine: 200, "jane-expired": 200, "jane-id": 200, "jane-other-client": 200 },
  "GET /me": { "no token": 401, jane: 200, omar: 200, ada: 200, machine: 200, "jane-expired": 401, "jane-id": 401, "jane-other-client": 401 },
  "POST /orders": { "no token": 401, jane: 403, omar: 201, ada: 403, machine: 403, "jane-expired": 401, "jane-id": 401, "jane-other-client": 401 },
  "GET /reports": { "no token": 401, jane: 403, omar: 403, ada: 200, machine: 403, "jane-expired": 401, "jane-id": 401, "jane-other-client": 401 },
};

test("every button of every route", async (t) => {
  const page = await open(t);
  for (const [name, kinds] of Object.entries(statuses)) {
    const buttons = route(page, name).getByRole("button");
    assert.deepEqual(await buttons.allInnerTexts(), Object.keys(kinds));
    for (const [kind, status] of Object.entries(kinds)) {
      const text = await press(page, buttons.getByText(kind, { exact: true }));
      assert.match(text, new RegExp(`\\n${status} `), `${name} with ${kind}`);
    }
  }
});

test("why a token of another client is refused", async (t) => {
  const page = await open(t);
  const text = await press(page, route(page, "GET /me").getByRole("button", { name: "jane-other-client" }));
  assert.match(text, /add the client to Pool\.ClientIDs/);
  const failed = page.locator(".ladder .failed");
  assert.equal(await failed.count(), 1);
  assert.match(await failed.innerText(), /client failed[^]*"7otherclient98765"[^]*"1example23456789"/);
  await page.evaluate(() => scrollTo(0, 0));
  await page.mouse.move(0, 0);
  await page.screenshot({ path: path.join(SHOTS, "playground.png") });
});

test("a pasted token, and what is none", async (t) => {
  const page = await open(t);
  const box = page.getByLabel("Paste a token");
  const check = page.getByRole("button", { name: "Check the token" });
  const token = await (await page.request.get(new URL("/token/jane", BASE).href)).text();
  await box.fill(token);
  assert.match(await press(page, check), /The token is valid here/);
  assert.ok(!(await page.locator("#result").innerText()).includes(token.slice(0, 40)));
  await box.fill("<img src=x onerror=alert(1)>");
  assert.match(await press(page, check), /The token is refused/);
  assert.equal(await page.locator("#result img").count(), 0);
  await box.evaluate((e) => (e.value = "a".repeat(2 << 20)));
  assert.match(await press(page, check), /more than 1 MiB, and was not read/);
  await box.fill("");
  assert.match(await press(page, check), /The box was empty/);
});

test("keys rotate, fail, grow old and come back", async (t) => {
  const page = await open(t);
  const button = (name) => page.getByRole("button", { name });
  const jane = route(page, "GET /me").getByRole("button", { name: "jane", exact: true });
  assert.match(await press(page, jane), /\n200 /);
  const before = await page.locator("#state").innerText();
  await press(page, button("Rotate the keys"));
  assert.match(await press(page, button("Fetch the keys now")), /The keys were fetched/);
  assert.match(await press(page, jane), /\n200 /);
  assert.notEqual((await page.locator("#state").innerText()).match(/Key IDs\s+(.*)/)[1], before.match(/Key IDs\s+(.*)/)[1]);
  await press(page, button("Break the key endpoint"));
  assert.match(await press(page, jane), /\n200 /);
  await press(page, button("Let 25 hours pass"));
  assert.match(await press(page, jane), /\n503 Service Unavailable\n[^]*Retry-After/i);
  assert.match(await page.locator("#state").innerText(), /none that may be used/);
  await press(page, button("Mend the key endpoint"));
  await press(page, button("Fetch the keys now"));
  assert.match(await press(page, jane), /\n200 /);
});

test("the age of the keys is live", async (t) => {
  const page = await open(t);
  const state = await page.locator("#state").elementHandle();
  await page.waitForFunction((old) => !old.isConnected, state, { timeout: 60_000 });
});

test("keyboard only", async (t) => {
  const page = await open(t);
  const first = () => page.evaluate(() => [document.activeElement.tagName, document.activeElement.innerText]);
  await page.keyboard.press("Tab");
  assert.deepEqual(await first(), ["BUTTON", "no token"]);
  for (let i = 0; i < 9; i++) await page.keyboard.press("Tab");
  assert.deepEqual(await first(), ["BUTTON", "jane"]); // of the second route
  const answer = page.waitForResponse((r) => r.request().method() === "POST");
  await page.keyboard.press("Enter");
  await (await answer).finished();
  await page.waitForFunction(() => document.activeElement.id === "result");
  assert.match(await page.locator("#result").innerText(), /GET \/me with the token "jane"[^]*\n200 /);
});

for (const colorScheme of ["light", "dark"]) {
  test(`narrow, ${colorScheme}, for assistive technology`, async (t) => {
    const page = await open(t, { viewport: { width: 360, height: 800 }, colorScheme });
    await press(page, route(page, "GET /me").getByRole("button", { name: "jane-other-client" }));
    assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= 360), "it scrolls sideways");
    await page.getByText("What the tokens are").click();
    assert.deepEqual(await violations(page), []);
    await page.screenshot({ path: path.join(SHOTS, `playground-${colorScheme}-360.png`), fullPage: true });
  });
}

test("without script", async (t) => {
  const page = await open(t, { javaScriptEnabled: false });
  await route(page, "POST /orders").getByRole("button", { name: "jane", exact: true }).click();
  assert.match(await page.locator("#result").innerText(), /403 Forbidden[^]*scope="orders\/write"[^]*policy failed/);
  await page.getByLabel("Paste a token").fill("hello");
  await page.getByRole("button", { name: "Check the token" }).click();
  assert.match(await page.locator("#result").innerText(), /form failed/);
});

test("a form of another site", async (t) => {
  const page = await open(t, {}, ["Failed to load resource: the server responded with a status of 403 (Forbidden)"]);
  const other = await page.context().newPage();
  await other.route("http://evil.test/", (r) => r.fulfill({ contentType: "text/html", body: `<form method="post" action="${BASE}keys"><button name="do" value="break">win</button></form>` }));
  await other.goto("http://evil.test/");
  const answer = other.waitForResponse((r) => r.request().method() === "POST");
  await other.getByRole("button").click();
  assert.equal((await answer).status(), 403);
  await page.reload();
  assert.doesNotMatch(await page.locator("#state").innerText(), /broken/);
});
