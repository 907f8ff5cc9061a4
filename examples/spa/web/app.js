// The page. Where the tokens are is left to one of two modules, which offer the same
// functions: tokens.js keeps them in the page, cookie.js leaves them to the server.
// Whatever comes from elsewhere is shown as text, never as markup.
import { withCookie } from "./cookie.js";
import { withTokens } from "./tokens.js";

const $ = (id) => document.getElementById(id);

const element = (tag, text, className) => {
  const e = document.createElement(tag);
  e.textContent = text;
  if (className) e.className = className;
  return e;
};

// show replaces the answer, and moves the focus there, so that it is read out.
const show = (...parts) => {
  $("result").replaceChildren(...parts);
  $("answer").focus();
};

const tell = (sentence, className) => show(element("p", sentence, className));

// draw shows whether somebody is signed in.
const draw = (user) => {
  $("session").textContent = user ? `Signed in as ${user.name}.` : "Nobody is signed in.";
  $("facts").replaceChildren(...(user?.facts ?? []).flatMap(([name, value]) => [element("dt", name), element("dd", value)]));
  $("facts").hidden = !user?.facts?.length;
  $("sign-in").hidden = Boolean(user);
  $("sign-out").hidden = !user;
  $("renew").hidden = !user || !session.renew;
};

// challenge reads the parameters of a Bearer challenge (RFC 6750, section 3).
const challenge = (header) => Object.fromEntries([...(header ?? "").matchAll(/([a-z_]+)="([^"]*)"/g)].map(([, name, value]) => [name, value]));

// remedy says what would make the API accept the call, and offers to do it.
const remedy = (status, params) => {
  const offer = (sentence, label, ask) => {
    const button = element("button", label);
    button.type = "button";
    button.addEventListener("click", () => attempt(button, () => session.signIn(ask)));
    return [element("p", sentence), button];
  };
  if (params.error === "insufficient_scope" && params.scope) {
    return offer(`The token lacks the scope ${params.scope}.`, "Sign in with that scope", { scope: params.scope });
  }
  // RFC 9470: the same user, but a sign-in that is not too long ago.
  if (params.error === "insufficient_user_authentication" && /^\d{1,9}$/.test(params.max_age ?? "")) {
    return offer(`The sign-in is older than ${params.max_age} seconds.`, "Sign in anew", { max_age: Number(params.max_age) });
  }
  if (status === 401) return offer("The API wants a valid token.", "Sign in now", {});
  if (status === 503) return [element("p", "The API could not check the token. Try again in a moment.")];
  return [];
};

const call = async (method, path) => {
  const { response, note } = await session.call(method, path);
  const header = response.headers.get("WWW-Authenticate");
  const body = await response.text();
  show(
    element("p", `${response.status} ${response.statusText}`, `status ${response.ok ? "good" : "bad"}`),
    element("p", `${method} ${path}`),
    ...(note ? [element("p", note)] : []),
    ...(header ? [element("h3", "Challenge"), element("pre", header)] : []),
    ...remedy(response.status, challenge(header)),
    element("h3", "Body"),
    element("pre", pretty(body)),
  );
};

const pretty = (text) => {
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text || "(empty)";
  }
};

// attempt runs what a button is for. A failure becomes a sentence: those of the
// modules are written for people, and a failed fetch says nothing that helps.
const attempt = async (button, what) => {
  button.disabled = true;
  try {
    await what();
  } catch (err) {
    tell(err.sentence ?? "The API cannot be reached. Is the program still running?", "bad");
  } finally {
    button.disabled = false;
  }
};

const on = (id, what) => $(id).addEventListener("click", () => attempt($(id), what));

const config = await (await fetch("/config.json")).json();
const here = location.pathname === "/cookie" ? "cookie" : location.origin === config.other ? "two" : "one";
const session = here === "cookie" ? withCookie(config, draw, tell) : withTokens(config, draw, tell);

$("nav-one").href = `${config.api}/`;
$("nav-two").href = `${config.other}/`;
$("nav-cookie").href = `${config.api}/cookie`;
$(`nav-${here}`).setAttribute("aria-current", "page");
$("about").textContent = {
  one: "This page keeps its tokens in the tab's sessionStorage, and calls an API on its own origin.",
  two: `This page keeps its tokens in the tab's sessionStorage, and calls an API on another origin, ${config.api}.`,
  cookie: "The server keeps the tokens of this page in an encrypted cookie, which no script can read.",
}[here];
$("about-orders").textContent = `Needs the scope ${config.scope}, which the sign-in does not ask for.`;
$("later").hidden = !config.stub || here === "two";

on("sign-in", () => session.signIn({}));
on("sign-out", () => session.signOut());
on("renew", async () => {
  await session.renew();
  tell("The token was renewed.", "good");
});
on("later", async () => {
  await fetch("/stub/later", { method: "POST" });
  tell("10 minutes have passed for the user pool and the API: the access token has expired, and the sign-in is older than 5 minutes.");
});
on("me", () => call("GET", "/api/me"));
on("orders", () => call("POST", "/api/orders"));
on("account", () => call("DELETE", "/api/account"));

await session.begin();
document.documentElement.dataset.ready = "yes";
