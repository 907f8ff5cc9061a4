// Loads the page again every five seconds and puts the new panels in place of the
// old ones, until the reader says Pause.
const button = document.getElementById("pause");
let running = true;

async function refresh() {
  const answer = await fetch(location.href);
  if (!answer.ok) return;
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  for (const open of document.querySelectorAll("details[open]")) {
    page.getElementById(open.id)?.setAttribute("open", "");
  }
  const focused = document.activeElement?.closest("details")?.id;
  for (const id of ["main", "time"]) {
    document.getElementById(id).replaceWith(document.adoptNode(page.getElementById(id)));
  }
  if (focused) document.querySelector(`#${focused} summary`)?.focus({ preventScroll: true });
}

setInterval(() => {
  if (running && !document.hidden) refresh().catch(() => {});
}, 5000);

button.hidden = false;
button.addEventListener("click", () => {
  running = !running;
  button.textContent = running ? "Pause" : "Go on";
});
