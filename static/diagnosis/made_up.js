// A recording as a headset writes it: 72 rows a second, three decimals of time.

const ROWS_PER_SECOND = 72;

/** The CSV of a test of some seconds, made up. */
export function madeUpRecording(type, seconds) {
  const isTennis = type === "TENNISBALL";
  const isFit = type === "FITBOX";
  const columns = ["current_time", "Score", "State", "Rotation_X", "Rotation_Y", "Rotation_Z"];
  if (isTennis) columns.push("Position", "Gap");
  const lines = [columns.join(",")];
  const begin = Date.now() - seconds * 1000;
  let score = isFit ? 1000 : 0;
  let state = 0;
  for (let row = 0; row <= seconds * ROWS_PER_SECOND; row += 1) {
    const t = row / ROWS_PER_SECOND;
    if (row % ROWS_PER_SECOND === ROWS_PER_SECOND / 2) {
      const succeeds = Math.random() < 0.7;
      state += succeeds ? 1 : -1;
      if (isFit) score -= succeeds ? 0 : 50;
      else score += succeeds ? 1 : 0;
    }
    const cells = [
      moment(begin + t * 1000),
      score,
      state,
      wave(12, 0.31, t),
      wave(25, 0.17, t + 1),
      wave(6, 0.43, t + 2),
    ];
    if (isTennis) {
      const position = [wave(1.5, 0.2, t), wave(0.6, 0.5, t), wave(2, 0.13, t)];
      cells.push(`"(${position.join(", ")})"`, Math.abs(wave(0.4, 0.37, t)).toFixed(4));
    }
    lines.push(cells.join(","));
  }
  return lines.join("\n") + "\n";
}

function wave(size, hertz, t) {
  return (size * Math.sin(2 * Math.PI * hertz * t) + (Math.random() - 0.5) * size * 0.05).toFixed(4);
}

function moment(ms) {
  const local = new Date(ms - new Date().getTimezoneOffset() * 60_000);
  return local.toISOString().replace("T", " ").replace("Z", "");
}
