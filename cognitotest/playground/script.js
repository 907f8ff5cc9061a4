// The page works without this file. With it, an answer comes without a reload, and
// the age of the keys is live.
"use strict";

const parse = (text) => new DOMParser().parseFromString(text, "text/html");

// swap replaces the part with that id by the one of another document.
const swap = (other, id) => {
  const fresh = other.getElementById(id);
  if (fresh) document.getElementById(id).replaceWith(document.adoptNode(fresh));
};

document.addEventListener("submit", async (event) => {
  event.preventDefault();
  const { target: form, submitter } = event;
  if (form.getAttribute("aria-busy") === "true") return;
  form.setAttribute("aria-busy", "true");
  try {
    const answer = await fetch(form.action, { method: "POST", body: new URLSearchParams(new FormData(form, submitter)) });
    if (!answer.ok) throw new Error(`The playground answered ${answer.status}: ${await answer.text()}`);
    const other = parse(await answer.text());
    swap(other, "result");
    swap(other, "state");
    document.title = other.title;
  } catch (problem) {
    const title = Object.assign(document.createElement("h2"), { id: "result-title", textContent: "That did not work" });
    const text = problem instanceof TypeError ? "The program does not answer. Does it still run?" : problem.message;
    document.getElementById("result").replaceChildren(title, Object.assign(document.createElement("p"), { className: "bad", textContent: text }));
  } finally {
    form.removeAttribute("aria-busy");
  }
  const result = document.getElementById("result");
  result.focus({ preventScroll: true });
  result.scrollIntoView({ block: "nearest" });
});

setInterval(async () => {
  if (document.hidden) return;
  try {
    const answer = await fetch("state");
    if (answer.ok) swap(parse(await answer.text()), "state");
  } catch {
    // The next call will say it.
  }
}, 2000);
