// Keeps the steps of a workflow run up to date until it has ended; then all of its page.
const SECOND = 1000;

const follow = async (place) => {
  const ended = () => place.querySelector("[data-ended=yes]") !== null;
  if (ended()) return;
  while (!ended()) {
    await new Promise((resolve) => setTimeout(resolve, SECOND));
    try {
      const response = await fetch(place.dataset.url, { credentials: "same-origin" });
      if (response.ok) place.innerHTML = await response.text();
    } catch {
      // The server is away for a moment; the next turn asks again.
    }
  }
  location.reload();
};

document.addEventListener("DOMContentLoaded", () => {
  const place = document.getElementById("live-run");
  if (place) follow(place);
});
