// Loads the page again every five seconds and puts the new panels in place of the
// old ones, until the reader says Pause. What is open, scrolled or focused stays so.
const button = document.getElementById("pause");
const note = document.getElementById("note");
let running = true;
let asking = false;

async function refresh() {
  const answer = await fetch(location.href);
  if (!answer.ok) throw new Error(answer.statusText);
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  if (!running) return;
  for (const open of document.querySelectorAll("details[open]")) {
    page.getElementById(open.id)?.setAttribute("open", "");
  }
  const scrolled = Array.from(document.querySelectorAll(".scroll"), (e) => [e.id, e.scrollLeft]);
  const focused = document.activeElement?.id;
  for (const id of ["main", "time"]) {
    document.getElementById(id).replaceWith(document.adoptNode(page.getElementById(id)));
  }
  for (const [id, left] of scrolled) {
    const box = document.getElementById(id);
    if (box) box.scrollLeft = left;
  }
  if (focused) document.getElementById(focused)?.focus({ preventScroll: true });
  note.textContent = "";
}

setInterval(async () => {
  if (!running || asking || document.hidden) return;
  asking = true;
  try {
    await refresh();
  } catch {
    note.textContent = "There is no answer. What you see is old.";
  } finally {
    asking = false;
  }
}, 5000);

button.hidden = false;
button.addEventListener("click", () => {
  running = !running;
  button.textContent = running ? "Pause" : "Go on";
});
