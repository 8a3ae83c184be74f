// The page of one run.
function runPage(name) {
  const run = DATA.runs[name], record = run.record;
  const parts = [make("p", {}, make("a", { href: "#" }, "\u2190 all rows")), make("h1", {}, titleOf(name)), make("p", { class: "soft" }, name), seedsOf(name)];
  if (run.no_signal) parts.push(make("p", { class: "note" }, `The search could not tell its candidates apart: ${run.no_signal}. What it found is a random draw.`));
  parts.push(make("h2", {}, "Result"), factsOf(resultOf(record)));
  parts.push(make("h2", {}, "Make it again"), make("pre", {}, run.command), copier(run.command, "command"));
  if (run.parts.length) parts.push(make("h2", {}, "Architecture"), run.parts.map(partOf));
  if (run.yaml) parts.push(make("h2", {}, "As YAML"), make("pre", {}, run.yaml), copier(run.yaml, "YAML"));
  if (record.adaptive) parts.push(make("h2", {}, "Share of frames"), sharesOf(record.adaptive));
  if (run.confusion) parts.push(make("h2", {}, "Classes"), classesOf(run.confusion));
  if (run.search) parts.push(searchOf(run.search));
  if (record.health) parts.push(make("h2", {}, "Health of the search"), factsOf(Object.entries(record.health)));
  parts.push(make("h2", {}, "Record"), factsOf(restOf(record)));
  return make("article", {}, parts);
}

function rowOfRun(name) {
  return DATA.tables.flatMap((table) => table.rows).find((row) => row.runs.includes(name));
}

function titleOf(name) {
  const row = rowOfRun(name);
  return row ? row.name : name;
}

function seedsOf(name) {
  const others = (rowOfRun(name) || { runs: [] }).runs.filter((run) => run !== name && Object.hasOwn(DATA.runs, run));
  if (!others.length) return null;
  return make("p", {}, "Other seeds: ", others.map((run, n) => [n ? ", " : "", make("a", { href: runAddress(run) }, run)]));
}

function factsOf(pairs) {
  return make("dl", { class: "facts" }, pairs.map(([name, value]) => [make("dt", {}, String(name).replaceAll("_", " ")),
    make("dd", {}, typeof value === "number" ? number(value) : String(value))]));
}

function resultOf(record) {
  const said = Object.entries(record.metrics).map(([name, value]) => [name, value.toFixed(2) + " %"]);
  if (record.params !== undefined) said.push(["parameters", record.params]);
  if (record.macs !== undefined) said.push(["GMACs of a clip", record.macs / 1e9]);
  if (record.latency) said.push(["latency", `${number(record.latency.ms)} ms on ${record.latency.device}`]);
  if (record.search) said.push(["search", `${record.search.trials} candidates, ${number(record.search.seconds / 3600)} h`]);
  said.push(["data", `${record.dataset}${record.synthetic ? " (synthetic)" : ""}, ${record.protocol}, ${record.stream}`]);
  if (record.strategy) said.push(["strategy", record.strategy.name]);
  return said;
}

const TOLD = ["metrics", "params", "macs", "flops", "latency", "search", "health", "adaptive", "dataset", "protocol", "stream"];

function restOf(record) {
  const flat = [];
  for (const [name, value] of Object.entries(record)) {
    if (TOLD.includes(name) || value === "") continue;
    flat.push([name, value !== null && typeof value === "object" ? JSON.stringify(value) : value]);
  }
  return flat;
}

function sharesOf(adaptive) {
  const rows = Object.entries(adaptive.shares).map(([name, share]) => make("tr", {}, make("th", {}, name),
    make("td", { style: { background: `rgba(var(--heat), ${0.6 * Math.min(share, 1)})` } }, (100 * share).toFixed(1) + " %"),
    make("td", {}, number(adaptive.gmacs[name]) + " GMACs if every frame takes it")));
  return make("div", { class: "wide" }, make("table", { class: "heat" }, make("tbody", {}, rows)));
}

function classesOf(confusion) {
  const worst = new Map();
  for (const [from, to, count] of confusion.cells) {
    if (from !== to && count > (worst.get(from) || [0, 0])[1]) worst.set(from, [to, count]);
  }
  const listed = confusion.accuracies.map((accuracy, label) => [accuracy, label]).filter(([a]) => a !== null).sort((a, b) => a[0] - b[0]);
  const rows = listed.map(([accuracy, label]) => make("tr", {}, make("th", {}, `class ${label}`),
    make("td", { style: { background: `rgba(var(--heat), ${0.6 * accuracy / 100})` } }, accuracy.toFixed(1) + " %"),
    make("td", {}, worst.has(label) ? `most often taken for ${worst.get(label)[0]} (${worst.get(label)[1]} times)` : "")));
  return [make("div", { class: "wide" }, make("table", { class: "heat" }, make("tbody", {}, rows))), matrixOf(confusion)];
}

function matrixOf(confusion) {
  const n = confusion.classes, cell = Math.max(4, Math.min(22, Math.floor(560 / n))), edge = 34;
  const totals = new Array(n).fill(0);
  for (const [from, , count] of confusion.cells) totals[from] += count;
  const size = edge + n * cell + 6;
  const picture = draw("svg", { viewBox: `0 0 ${size} ${size}`, width: size, role: "img", "aria-label": "confusion matrix" });
  for (const [from, to, count] of confusion.cells) {
    picture.append(draw("rect", { x: edge + to * cell, y: edge + from * cell, width: cell, height: cell,
      style: { fill: `rgba(var(--heat), ${0.12 + 0.88 * count / totals[from]})` } },
      draw("title", {}, `class ${from} taken for ${to}: ${count} of ${totals[from]}`)));
  }
  picture.append(draw("rect", { x: edge, y: edge, width: n * cell, height: n * cell, fill: "none", class: "axis" }),
    draw("text", { x: edge, y: 12 }, "taken for"), draw("text", { x: 12, y: edge, transform: `rotate(90 12 ${edge})` }, "class"));
  const every = Math.ceil(14 / cell);
  for (let label = 0; label < n; label += every) {
    picture.append(draw("text", { x: edge + (label + 0.5) * cell, y: edge - 4, "text-anchor": "middle" }, String(label)),
      draw("text", { x: edge - 4, y: edge + (label + 0.5) * cell + 4, "text-anchor": "end" }, String(label)));
  }
  return make("figure", {}, picture, make("figcaption", {}, "Rows: classes; darker: a larger share of the class"));
}

function searchOf(search) {
  const curves = Object.entries(search.curves).filter(([, points]) => points.length > 1);
  const parts = curves.length ? [make("h2", {}, "Search"), make("div", { class: "grids" }, curves.map(([name, points]) => curveOf(name, points)))] : [];
  if (Object.keys(search.heat).length) parts.push(make("h2", {}, "Weights at the end, a row a decision"), heatOf(search.heat));
  search.best_paths.forEach((paths) => parts.push(make("h2", {}, "Best paths"), make("div", { class: "wide" }, make("table", { class: "heat" },
    make("tbody", {}, paths.map((path, n) => make("tr", {}, make("th", {}, n ? String(n + 1) : "1, Viterbi's"),
      (path.widths || []).map((width) => make("td", {}, String(width))), make("td", {}, number(path.score)))))))));
  return parts;
}
