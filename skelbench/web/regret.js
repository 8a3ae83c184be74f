// Regret of each strategy over its budget, with intervals.
function regretOf(table, rows, colours) {
  WIDE = matchMedia("(max-width: 640px)").matches ? 420 : 1040;
  const told = rows.filter((row) => row.curve.every((point) => point.every((value) => value !== null)));
  if (!told.length) return make("p", { class: "soft" }, "No strategy is shown.");
  const ends = told.flatMap((row) => row.curve.flatMap((point) => point));
  const x = logScale(table.budgets[0], table.budgets[table.budgets.length - 1]);
  const y = linear(Math.min(...ends), Math.max(...ends));
  x.ticks = table.budgets;
  const picture = draw("svg", { viewBox: `0 0 ${WIDE} ${HIGH}`, role: "img", "aria-label": "regret against evaluations" });
  picture.append(axes(x, y, "regret (points)", "evaluations (logarithmic)"));
  told.forEach((row, n) => {
    const colour = colours[row.group], aside = (n - (told.length - 1) / 2) * 3; // so that intervals do not cover each other
    const at = row.curve.map((point, place) => [x(table.budgets[place]) + aside, ...point.map(y)]);
    const line = draw("path", { class: "regret", stroke: colour, d: at.map((p, i) => `${i ? "L" : "M"}${p[0]} ${p[1]}`).join("") });
    const bars = at.map((p, place) => draw("line", { class: "interval", stroke: colour, x1: p[0], x2: p[0], y1: p[2], y2: p[3] },
      draw("title", {}, `${row.name}: ${row.curve[place].map(number).join(", ")} after ${table.budgets[place]}`)));
    picture.append(line, ...bars);
  });
  return make("figure", {}, picture, make("figcaption", {}, "Mean regret and its interval after so many evaluations; lower is better."));
}
