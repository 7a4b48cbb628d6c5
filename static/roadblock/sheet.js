// On a phone the side panel is a sheet at the bottom: peek, half or full.
// Dragged by its handle, or stepped through by tapping it; and its two tabs.

const STEPS = ["peek", "half", "full"];

export function prepareSheet(side, handle) {
  let start = null;

  const open = (step) => {
    side.dataset.open = step;
    side.style.height = "";
  };

  handle.addEventListener("pointerdown", (event) => {
    handle.setPointerCapture(event.pointerId);
    start = { y: event.clientY, height: side.offsetHeight, moved: false };
  });
  handle.addEventListener("pointermove", ({ clientY }) => {
    if (!start) return;
    const by = start.y - clientY;
    if (Math.abs(by) > 6) start.moved = true;
    if (start.moved) side.style.height = `${start.height + by}px`;
  });
  const end = () => {
    if (start?.moved) open(nearest(side.offsetHeight));
    start = start?.moved ? { dragged: true } : null;
  };
  handle.addEventListener("pointerup", end);
  handle.addEventListener("pointercancel", end);
  handle.addEventListener("click", () => {
    // A click follows every drag; only a tap or a key is meant as one.
    if (!start?.dragged) open(STEPS[(STEPS.indexOf(side.dataset.open) + 1) % 3]);
    start = null;
  });

  const tabs = side.querySelectorAll("[data-tab]");
  for (const tab of tabs) {
    tab.addEventListener("click", () => {
      side.dataset.tab = tab.dataset.tab;
      for (const other of tabs) other.ariaPressed = String(other === tab);
      if (side.dataset.open === "peek") open("half");
    });
  }
}

function nearest(height) {
  const part = height / innerHeight;
  return part < 0.28 ? "peek" : part < 0.66 ? "half" : "full";
}
