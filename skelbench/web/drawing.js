// Architectures, curves and heat maps.
function partOf(part) {
  if (part.kind === "cell") return make("div", {}, make("p", { class: "soft" }, part.name + " cell"), cellOf(part));
  if (part.kind === "path") return pathOf(part);
  if (part.kind === "grid") return gridOf(part);
  return make("dl", { class: "facts" }, part.rows.map((row, n) => [make("dt", {}, row), make("dd", {}, part.cells[n].join(" "))]));
}

function cellOf(part) {
  const count = part.rows.length, apart = 130, width = 60 + apart * (count - 1) + 150;
  const deepest = Math.max(1, ...part.edges.map(([from, to]) => to - from));
  const middle = 30 + 24 * deepest, height = middle + 24 * deepest + 24;
  const picture = draw("svg", { viewBox: `0 0 ${width} ${height}`, width, role: "img", "aria-label": part.name + " cell" });
  const place = (state) => 60 + apart * state;
  part.edges.forEach(([from, to, operator], n) => {
    const sign = n % 2 ? 1 : -1, bend = middle + sign * (16 + 40 * (to - from - 1) + 16);
    const centre = (place(from) + place(to)) / 2;
    picture.append(draw("path", { class: "edge", d: `M${place(from)} ${middle}Q${centre} ${bend} ${place(to)} ${middle}` }),
      draw("text", { x: centre, y: (middle + bend) / 2 + (sign > 0 ? 11 : -4), "text-anchor": "middle" }, operator));
  });
  part.rows.forEach((name, state) => {
    picture.append(draw("circle", { class: "node", cx: place(state), cy: middle, r: 13 }),
      draw("text", { x: place(state), y: middle + 4, "text-anchor": "middle" }, state < 2 ? ["a", "b"][state] : name));
  });
  return make("figure", {}, make("div", { class: "wide" }, picture),
    make("figcaption", {}, `a: ${part.rows[0]}, b: ${part.rows[1]}; each state is the sum of its edges`));
}

function pathOf(part) {
  const layers = Math.max(...part.cells.map((row) => row.length)) - 1;
  const heads = ["stage", "width", ...Array.from({ length: layers }, (_, n) => `layer ${n + 1}`)];
  const rows = part.rows.map((name, n) => [name, ...part.cells[n], ...Array(layers + 1 - part.cells[n].length).fill("")]);
  return make("div", { class: "wide" }, make("table", { class: "heat" },
    make("thead", {}, make("tr", {}, heads.map((head) => make("th", {}, head)))),
    make("tbody", {}, rows.map((row) => make("tr", {}, row.map((cell) => make("td", {}, cell)))))));
}

function gridOf(part) {
  const heads = make("tr", {}, make("th", {}, ""), part.columns.map((name) => make("th", {}, name)));
  const rows = part.rows.map((name, n) => make("tr", {}, make("th", {}, name), part.columns.map((column) =>
    make("td", part.cells[n].includes(column) ? { style: { background: "rgba(var(--heat), 0.45)" } } : {},
      part.cells[n].includes(column) ? "\u25CF" : ""))));
  return make("div", { class: "wide" }, make("table", { class: "heat" }, make("thead", {}, heads), make("tbody", {}, rows)));
}

function curveOf(name, points) {
  const wide = 300, high = 150, left = 44, low = 22, top = 10;
  const xs = points.map((p) => p[0]), ys = points.map((p) => p[1]);
  const [x0, x1, y0, y1] = [Math.min(...xs), Math.max(...xs), Math.min(...ys), Math.max(...ys)];
  const x = (v) => left + ((v - x0) / (x1 - x0 || 1)) * (wide - left - 10);
  const y = (v) => high - low - ((v - y0) / (y1 - y0 || 1)) * (high - low - top);
  const single = new Set(xs).size === xs.length;
  const marks = single && points.length > 1
    ? [draw("path", { class: "curve", d: points.map((p, n) => `${n ? "L" : "M"}${x(p[0])} ${y(p[1])}`).join("") })]
    : points.map((p) => draw("circle", { class: "dot", cx: x(p[0]), cy: y(p[1]), r: 2 }));
  return make("figure", {}, draw("svg", { viewBox: `0 0 ${wide} ${high}`, role: "img", "aria-label": name },
    draw("line", { class: "axis", x1: left, x2: wide - 10, y1: high - low, y2: high - low }),
    draw("line", { class: "axis", x1: left, x2: left, y1: top, y2: high - low }), marks,
    draw("text", { x: left - 4, y: y(y0) + 3, "text-anchor": "end" }, number(y0)),
    y1 > y0 ? draw("text", { x: left - 4, y: y(y1) + 6, "text-anchor": "end" }, number(y1)) : null,
    draw("text", { x: left, y: high - 6 }, String(x0)),
    x1 > x0 ? draw("text", { x: wide - 10, y: high - 6, "text-anchor": "end" }, String(x1)) : null),
    make("figcaption", {}, name.replace("_", " ")));
}

function heatOf(rows) {
  const most = Math.max(...Object.values(rows).flat(), 1e-9);
  return make("div", { class: "wide" }, make("table", { class: "heat" }, make("tbody", {},
    Object.entries(rows).map(([name, shares]) => make("tr", {}, make("th", {}, name), shares.map((share) =>
      make("td", { style: { background: `rgba(var(--heat), ${0.6 * share / most})` } }, number(Number(share.toFixed(3))))))))));
}
