// Accuracy against GMACs: bubbles as large as the parameters, reported figures as empty diamonds.
const HIGH = 430, LEFT = 52, RIGHT = 16, TOP = 14, BOTTOM = 42;
const FOCUSABLE = 100;
let WIDE = 1040;

function scatterOf(table, reported, rows, colours) {
  WIDE = matchMedia("(max-width: 640px)").matches ? 420 : 1040; // so that letters stay legible on a phone
  const points = rows.filter((row) => row.x !== null && row.x > 0 && row.y !== null);
  const others = reported.filter((row) => row.x !== null && row.x > 0 && row.y !== null);
  if (!points.length && !others.length) return make("p", { class: "soft" }, "No row has both accuracy and GMACs.");
  const all = [...points, ...others];
  const x = logScale(Math.min(...all.map((p) => p.x)), Math.max(...all.map((p) => p.x)));
  const y = linear(Math.min(...all.map((p) => p.y)), Math.max(...all.map((p) => p.y)));
  const picture = draw("svg", { viewBox: `0 0 ${WIDE} ${HIGH}`, role: "img", "aria-label": `${table.metric} against GMACs` });
  picture.append(axes(x, y, table.metric));
  const front = points.filter((p) => p.pareto).sort((a, b) => a.x - b.x);
  if (front.length > 1) {
    const steps = front.map((p, n) => (n ? `H${x(p.x)}V${y(p.y)}` : `M${x(p.x)} ${y(p.y)}`));
    picture.append(draw("path", { class: "front", d: steps.join("") + `H${WIDE - RIGHT}` }));
  }
  const largest = Math.max(...points.map((p) => p.size || 0), 1e-9);
  for (const p of [...points].sort((a, b) => (b.size || 0) - (a.size || 0))) {
    picture.append(bubble(p, x, y, largest, colours, points.length <= FOCUSABLE));
  }
  for (const p of others) picture.append(diamond(p, x(p.x), y(p.y)));
  return make("figure", {}, picture, make("figcaption", {},
    "A bubble's area is its parameters; dashed: the Pareto front" +
    (others.length ? "; diamonds: as reported elsewhere, on splits that cannot be verified" : "") + "."));
}

function bubble(p, x, y, largest, colours, focusable) {
  const radius = 3 + 11 * Math.sqrt((p.size || 0) / largest);
  const colour = colours[p.group] || "#888888";
  const run = p.runs.find((one) => one in DATA.runs);
  const circle = draw("circle", { class: "point", cx: x(p.x), cy: y(p.y), r: radius, fill: colour, stroke: colour },
    draw("title", {}, `${p.name} (${p.group}): ${number(p.y)} %${p.interval ? ` (${p.interval})` : ""}, ${number(p.x)} GMACs` +
      (p.size ? `, ${number(p.size)} M parameters` : "")));
  if (!run) return circle;
  return draw("a", { href: runAddress(run), tabindex: focusable ? 0 : -1, "aria-label": p.name }, circle);
}

function diamond(p, x, y) {
  return draw("path", { class: "reported", d: `M${x} ${y - 6}l6 6l-6 6l-6 -6z` },
    draw("title", {}, `${p.name}: ${number(p.y)} % as reported, ${number(p.x)} GMACs`));
}

function logScale(low, high) {
  const from = Math.log10(low) - 0.06, to = Math.log10(high) + 0.06;
  const scale = (value) => LEFT + ((Math.log10(value) - from) / (to - from)) * (WIDE - LEFT - RIGHT);
  scale.ticks = [];
  for (let power = Math.floor(from); power <= to; power++) {
    for (const step of to - from > 3 ? [1] : [1, 2, 5]) {
      const value = step * 10 ** power;
      if (Math.log10(value) >= from && Math.log10(value) <= to) scale.ticks.push(value);
    }
  }
  return scale;
}

function linear(low, high) {
  const room = Math.max((high - low) * 0.07, 0.5), from = low - room, to = Math.min(high + room, 100.5);
  const scale = (value) => HIGH - BOTTOM - ((value - from) / (to - from)) * (HIGH - BOTTOM - TOP);
  const step = [0.1, 0.2, 0.5, 1, 2, 5, 10, 20].find((one) => (to - from) / one <= 9) || 25;
  scale.ticks = [];
  for (let value = Math.ceil(from / step) * step; value <= to; value += step) scale.ticks.push(Number(value.toFixed(2)));
  return scale;
}

function axes(x, y, metric, below) {
  const group = draw("g", {});
  for (const value of x.ticks) {
    group.append(draw("line", { class: "axis", x1: x(value), x2: x(value), y1: TOP, y2: HIGH - BOTTOM }),
      draw("text", { x: x(value), y: HIGH - BOTTOM + 16, "text-anchor": "middle" }, String(Number(value.toPrecision(2)))));
  }
  for (const value of y.ticks) {
    group.append(draw("line", { class: "axis", x1: LEFT, x2: WIDE - RIGHT, y1: y(value), y2: y(value) }),
      draw("text", { x: LEFT - 6, y: y(value) + 4, "text-anchor": "end" }, String(value)));
  }
  group.append(draw("text", { x: (WIDE + LEFT) / 2, y: HIGH - 6, "text-anchor": "middle" }, below || "GMACs of a clip (logarithmic)"),
    draw("text", { x: 12, y: 12 }, metric === "top1" ? "top-1 (%)" : metric));
  return group;
}
