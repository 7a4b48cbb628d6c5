// How full the charging car is; nothing is shown while nobody knows.
import { $, write } from "../shared/elements.js";

const EVERY = 15_000;

export function watchBattery(api) {
  if (!$("battery")) return; // none is connected
  const look = async () => {
    if (document.hidden) return;
    try {
      const { percent } = await api.battery();
      $("battery").hidden = percent === null;
      if (percent === null) return;
      write($("battery-percent"), `${Math.round(percent)} %`);
      $("battery-level").style.transform = `scaleX(${Math.min(100, Math.max(0, percent)) / 100})`;
      $("battery").classList.toggle("low", percent < 20);
    } catch {
      $("battery").hidden = true;
    }
  };
  setInterval(look, EVERY);
  look();
}
