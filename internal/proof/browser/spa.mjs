// The sign-in of examples/spa in a real browser. The Go test beside this file starts
// the program and runs: node --test spa.mjs. BASE is the address of the page with its
// API, OTHER the second origin, NEAR a page of a third that has no policy, CHROMIUM the
// browser, SHOTS a folder for screenshots.
import assert from "node:assert/strict";
import path from "node:path";
import { test } from "node:test";
import { violations, visit } from "./kit.mjs";

const { BASE, NEAR, OTHER, SHOTS } = process.env;

// What Chromium itself writes for an answer that the page handles.
const failed = (status, text) => `Failed to load resource: the server responded with a status of ${status} (${text})`;
const refusals = [failed(401, "Unauthorized"), failed(403, "Forbidden")];

const open = async (t, url = BASE, options = {}, expected = []) => {
  const page = await visit(t, options, expected);
  await load(page, url);
  return page;
};

const load = async (page, url) => {
  await page.goto(url);
  await ready(page);
};

const ready = (page) => page.waitForSelector("html[data-ready=yes]");
const button = (page, name) => page.getByRole("button", { name, exact: true });
const session = async (page) => {
  await page.locator("#session").filter({ hasNotText: "Looking" }).waitFor();
  return page.locator("#session").innerText();
};
const result = (page) => page.locator("#result").innerText();

// signIn goes through managed login; begin is the button that leads there.
const signIn = async (page, user = "jane", begin = "Sign in") => {
  await button(page, begin).click();
  await button(page, user === null ? "Cancel" : `Sign in as ${user}`).click();
  await ready(page);
};

// call presses a button that calls the API, and waits until it may be pressed again.
const call = async (page, name) => {
  await button(page, name).click();
  await page.waitForFunction(() => !document.querySelector("button:disabled"));
  return result(page);
};

const kept = (page) => page.evaluate(() => [...Object.keys(sessionStorage), ...Object.keys(localStorage), document.cookie].filter(Boolean));

test("sign in, call the API, sign out", async (t) => {
  const page = await open(t, BASE, {}, refusals);
  assert.equal(await session(page), "Nobody is signed in.");
  assert.match(await call(page, "Who am I?"), /^401 Unauthorized[^]*Bearer realm="api"[^]*valid token/);
  const asked = page.waitForRequest((r) => r.url().includes("/oauth2/authorize"));
  await signIn(page);
  const q = new URL((await asked).url()).searchParams;
  assert.equal(q.get("code_challenge_method"), "S256");
  for (const name of ["code_challenge", "state", "nonce"]) assert.ok(q.get(name).length > 20, name);
  assert.equal(page.url(), BASE); // no code in the address
  assert.equal(await session(page), "Signed in as jane.");
  assert.match(await call(page, "Who am I?"), /^200 OK[^]*"user": "jane"/);
  await button(page, "Sign out").click();
  await page.waitForURL(BASE);
  await ready(page);
  assert.equal(await session(page), "Nobody is signed in.");
  assert.deepEqual(await kept(page), []);
  // The session of managed login has ended too: it asks again.
  await button(page, "Sign in").click();
  await button(page, "Sign in as omar").waitFor();
});

test("a missing scope is asked for", async (t) => {
  const page = await open(t, BASE, {}, refusals);
  await signIn(page);
  assert.match(await call(page, "Order something"), /^403 Forbidden[^]*error="insufficient_scope"[^]*lacks the scope orders\/write/);
  await page.mouse.move(0, 0);
  await page.screenshot({ path: path.join(SHOTS, "spa.png"), clip: { x: 0, y: 0, width: 1280, height: 820 } });
  await button(page, "Sign in with that scope").click(); // managed login knows the browser
  await page.waitForURL(BASE);
  await page.getByText("openid profile orders/write").waitFor();
  assert.match(await call(page, "Order something"), /^201 Created[^]*"order": 7/);
});

test("an expired token in the middle, and a sign-in that is too old", async (t) => {
  const page = await open(t, BASE, {}, refusals);
  await signIn(page);
  assert.match(await call(page, "Close my account"), /^200 OK/);
  await call(page, "Let 10 minutes pass");
  assert.match(await call(page, "Who am I?"), /^200 OK[^]*refused the token\. It was renewed/);
  assert.match(await call(page, "Close my account"), /^401 Unauthorized[^]*error="insufficient_user_authentication"[^]*older than 300 seconds/);
  const asked = page.waitForRequest((r) => r.url().includes("/oauth2/authorize"));
  await signIn(page, "jane", "Sign in anew"); // managed login knows the browser, and asks all the same
  assert.equal(new URL((await asked).url()).searchParams.get("max_age"), "300");
  assert.match(await call(page, "Close my account"), /^200 OK[^]*"closed": "jane"/);
});

test("the token is renewed before it expires", async (t) => {
  const page = await visit(t);
  await page.clock.install();
  await load(page, BASE);
  await signIn(page);
  const token = () => page.evaluate(() => JSON.parse(Object.entries(sessionStorage).find(([k]) => k.startsWith("oidc.user:"))[1]).access_token);
  const first = await token();
  const renewed = page.waitForResponse((r) => r.url().endsWith("/oauth2/token"));
  await page.clock.runFor("04:10"); // of 5 minutes
  assert.match((await renewed).request().postData(), /grant_type=refresh_token/);
  await page.waitForFunction((old) => !Object.values(sessionStorage).some((v) => v.includes(old)), first);
  assert.notEqual(await token(), first);
});

test("a token that is renewed by hand", async (t) => {
  const page = await open(t);
  await signIn(page);
  assert.equal(await call(page, "Renew the token"), "The token was renewed.");
  assert.match(await call(page, "Who am I?"), /^200 OK/);
});

for (const [variant, url] of [["page", BASE], ["cookie", `${BASE}cookie`]]) {
  test(`two tabs, tokens in the ${variant}`, async (t) => {
    const first = await open(t, url);
    await signIn(first);
    const second = await first.context().newPage();
    await load(second, url);
    if (variant === "page") {
      // A tab has its own tokens; managed login knows the browser already.
      await button(second, "Sign in").click();
      await second.waitForURL(url);
    }
    await second.getByText("Signed in as jane.").waitFor();
    await button(first, "Sign out").click();
    await second.getByText("You were signed out in another tab.").waitFor();
    await second.getByText("Nobody is signed in.").waitFor();
    assert.deepEqual(await kept(second), []);
  });
}

test("two origins, with a preflight", async (t) => {
  const page = await open(t, OTHER, {}, refusals);
  const devtools = await page.context().newCDPSession(page);
  await devtools.send("Network.enable");
  const asked = [];
  devtools.on("Network.requestWillBeSent", (e) => e.request.url.startsWith(BASE) && asked.push(`${e.request.method} ${new URL(e.request.url).pathname}`));
  await signIn(page);
  assert.equal(page.url(), OTHER);
  assert.match(await call(page, "Order something"), /^403 Forbidden[^]*lacks the scope orders\/write/); // the challenge is exposed
  assert.match(await call(page, "Close my account"), /^200 OK/);
  for (const what of ["OPTIONS /api/orders", "POST /api/orders", "OPTIONS /api/account", "DELETE /api/account"]) assert.ok(asked.includes(what), `${what}: ${asked}`);
});

test("a sign-in that is cancelled", async (t) => {
  for (const url of [BASE, `${BASE}cookie`]) {
    const page = await open(t, url);
    await signIn(page, null);
    assert.equal(page.url(), url);
    assert.equal(await result(page), "The sign-in was cancelled. Nothing has changed.");
    assert.equal(await session(page), "Nobody is signed in.");
    assert.deepEqual(await kept(page), []);
  }
});

test("a state that does not fit", async (t) => {
  const page = await open(t, `${BASE}?code=abc&state=%3Cimg%20src=x%20onerror=alert(1)%3E`);
  assert.match(await result(page), /fits no sign-in that began in this tab/);
  assert.equal(page.url(), BASE);
  await load(page, `${BASE}?error=%3Cb%3Ebad&error_description=Call%201-800`);
  assert.match(await result(page), /fits no sign-in/);
  await load(page, `${BASE}bff/callback?code=abc&state=abc`);
  assert.match(await result(page), /fits no sign-in that began in this browser/);
  assert.equal(page.url(), `${BASE}cookie`);
  await load(page, `${BASE}cookie?failed=__proto__`);
  assert.equal(await result(page), "The sign-in failed. Try again.");
  assert.equal(await page.locator("#result img, #result b").count(), 0);
  assert.deepEqual(await kept(page), []);
});

test("another nonce than the one that was sent", async (t) => {
  const page = await open(t);
  await page.route("**/oauth2/authorize?*", (route) => {
    const url = new URL(route.request().url());
    url.searchParams.set("nonce", "of-another-sign-in");
    return route.continue({ url: url.href });
  });
  await signIn(page);
  assert.match(await result(page), /belongs to another sign-in/);
  assert.equal(await session(page), "Nobody is signed in.");
  assert.deepEqual(await kept(page), []);
});

test("a pool that cannot be reached", async (t) => {
  const page = await open(t, BASE, {}, ["Failed to load resource: net::ERR_CONNECTION_REFUSED", "[JsonService] getJson: Network Error"]);
  await page.route("**/openid-configuration", (route) => route.abort("connectionrefused"));
  assert.match(await call(page, "Sign in"), /Managed login cannot be reached/);
  assert.equal(page.url(), BASE);
  assert.deepEqual(await kept(page), []);
});

test("tokens in cookies, for a user in 100 groups", async (t) => {
  const page = await open(t, `${BASE}cookie`, {}, refusals);
  await signIn(page, "ada");
  assert.equal(await session(page), "Signed in as ada.");
  assert.match(await call(page, "Who am I?"), /^200 OK[^]*"groups": 100/);
  const cookies = (await page.context().cookies(BASE)).filter((c) => c.name.startsWith("__Host-"));
  assert.ok(cookies.length > 2, `${cookies.length} cookies`);
  for (const c of cookies) {
    assert.ok(`${c.name}=${c.value}; Path=/; HttpOnly; Secure; SameSite=Strict`.length < 4096, c.name);
    assert.deepEqual([c.httpOnly, c.secure, c.sameSite, c.path], [true, true, "Strict", "/"]);
  }
  assert.deepEqual(await kept(page), []); // nothing for a script
  assert.match(await call(page, "Order something"), /^403 Forbidden/);
  await button(page, "Sign in with that scope").click();
  await page.getByText("No call was made yet.").waitFor();
  assert.match(await call(page, "Order something"), /^201 Created/);
  await call(page, "Let 10 minutes pass");
  assert.match(await call(page, "Who am I?"), /^200 OK/); // the server renewed
  assert.match(await call(page, "Close my account"), /^401 Unauthorized[^]*max_age="300"/);
  await signIn(page, "ada", "Sign in anew");
  assert.match(await call(page, "Close my account"), /^200 OK/);
  await button(page, "Sign out").click();
  await page.waitForURL(`${BASE}cookie`);
  await ready(page);
  assert.equal(await session(page), "Nobody is signed in.");
  assert.deepEqual((await page.context().cookies(BASE)).filter((c) => c.name.startsWith("__Host-")), []);
});

test("requests of other pages do not get the cookie's rights", async (t) => {
  const handshake = (status) => `WebSocket connection to '${BASE.replace("http", "ws")}bff/api/me' failed: Error during WebSocket handshake: Unexpected response code: ${status}`;
  const page = await open(t, `${BASE}cookie`, {}, [...refusals, handshake(200), handshake(403)]);
  await signIn(page);
  // The page of another port belongs to the same site: its requests have the cookie.
  const near = await page.context().newPage();
  await near.goto(NEAR);
  const devtools = await near.context().newCDPSession(near);
  await devtools.send("Network.enable");
  const sent = [];
  devtools.on("Network.requestWillBeSentExtraInfo", (e) => sent.push(e.headers.Cookie ?? ""));
  const status = async (act) => {
    const answer = near.waitForResponse((r) => r.url().startsWith(`${BASE}bff/`));
    await act();
    const code = (await answer).status();
    assert.match(sent.at(-1), /__Host-session/);
    return code;
  };
  const fetching = (method) => near.evaluate(([url, m]) => fetch(url, { method: m, mode: "no-cors", credentials: "include" }).then(() => {}, () => {}), [`${BASE}bff/api/me`, method]);
  assert.equal(await status(() => fetching("GET")), 403);
  assert.equal(await status(() => fetching("POST")), 403);
  const socket = (p) => p.evaluate((url) => new Promise((done) => { new WebSocket(url).onerror = done; }), `${BASE.replace("http", "ws")}bff/api/me`);
  const heard = near.waitForEvent("console", (m) => m.text() === handshake(403));
  await socket(near);
  await heard;
  const own = page.waitForEvent("console", (m) => m.text() === handshake(200)); // no WebSocket is there, but it was let through
  await socket(page);
  await own;
  await near.evaluate((url) => {
    const form = Object.assign(document.createElement("form"), { method: "post", action: url });
    document.body.append(form);
    form.append(document.createElement("button"));
  }, `${BASE}bff/logout`);
  assert.equal(await status(() => near.getByRole("button").click()), 403);

  // The page of another site.
  const far = await page.context().newPage();
  await far.route("http://evil.test/", (r) => r.fulfill({ contentType: "text/html", body: `<link rel=icon href="data:,"><form method="post" action="${BASE}bff/logout"><button>win</button></form>` }));
  await far.goto("http://evil.test/");
  const answer = far.waitForResponse((r) => r.request().method() === "POST");
  await far.getByRole("button").click();
  assert.equal((await answer).status(), 403);

  assert.match(await call(page, "Who am I?"), /^200 OK[^]*"user": "jane"/);
});

test("keyboard only", async (t) => {
  const page = await open(t);
  const focused = () => page.evaluate(() => document.activeElement.innerText);
  const to = async (name) => {
    for (let i = 0; i < 12 && (await focused()) !== name; i++) await page.keyboard.press("Tab");
    assert.equal(await focused(), name);
    await page.keyboard.press("Enter");
  };
  await to("Sign in");
  await button(page, "Sign in as jane").waitFor();
  await to("Sign in as jane");
  await page.getByText("Signed in as jane.").waitFor();
  await to("Who am I?");
  await page.waitForFunction(() => document.activeElement.id === "answer");
  assert.match(await result(page), /^200 OK/);
  await page.keyboard.press("Shift+Tab");
  assert.equal(await focused(), "Close my account");
  await to("Close my account");
  await page.getByText('"closed": "jane"').waitFor();
});

for (const colorScheme of ["light", "dark"]) {
  test(`narrow, ${colorScheme}, for assistive technology`, async (t) => {
    const page = await open(t, BASE, { viewport: { width: 360, height: 800 }, colorScheme }, refusals);
    assert.deepEqual(await violations(page), []);
    await button(page, "Sign in").click();
    await button(page, "Sign in as jane").waitFor();
    assert.deepEqual(await violations(page), []);
    await page.screenshot({ path: path.join(SHOTS, `login-${colorScheme}-360.png`) });
    await button(page, "Sign in as jane").click();
    await ready(page);
    await call(page, "Order something");
    assert.deepEqual(await violations(page), []);
    assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= 360), "it scrolls sideways");
    await page.screenshot({ path: path.join(SHOTS, `spa-${colorScheme}-360.png`), fullPage: true });
  });
}
