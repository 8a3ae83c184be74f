// A table that is sorted by its heads and shows more rows as one scrolls.
const STEP = 200;

function compare(column, low) {
  return (one, other) => {
    const a = one.keys[column], b = other.keys[column];
    if (a === null || b === null) return (a === null) - (b === null);
    const order = typeof a === "number" && typeof b === "number" ? a - b : String(a).localeCompare(String(b), "en");
    return low ? order : -order;
  };
}

function tableOf(table, state, onsort) {
  const columns = table.columns.map((column, index) => ({ ...column, index })).filter((c) => c.shown || state.all);
  const body = make("tbody");
  const heads = columns.map((column) => {
    const sorted = state.sort === column.name;
    const up = sorted && state.low ? "ascending" : sorted ? "descending" : "none";
    const arrow = sorted ? (state.low ? " \u25B2" : " \u25BC") : "";
    const button = make("button", { type: "button", onclick: () => onsort(column) }, column.label + arrow);
    return make("th", { scope: "col", class: classOf(column), "aria-sort": up }, button);
  });
  const whole = make("table", {}, make("thead", {}, make("tr", {}, heads)), body);
  const tail = make("div");
  let rows = [], shown = 0;

  function more() {
    const part = document.createDocumentFragment();
    for (const row of rows.slice(shown, shown + STEP)) part.append(rowOf(row, columns));
    shown = Math.min(shown + STEP, rows.length);
    body.append(part);
    tail.replaceChildren();
    if (shown < rows.length) {
      tail.append(make("button", { type: "button", onclick: more }, `Show more (${shown} of ${rows.length})`));
    }
  }

  function show(list) {
    rows = list;
    shown = 0;
    body.replaceChildren();
    if (!rows.length) body.append(make("tr", {}, make("td", { colspan: columns.length }, "No row fulfils this.")));
    more();
  }
  new IntersectionObserver((seen) => seen.some((one) => one.isIntersecting) && shown < rows.length && more()).observe(tail);
  return { element: make("div", {}, make("div", { class: "wide" }, whole), tail), show };
}

function classOf(column) {
  const less = ["space", "strategy", "params_m"].includes(column.name) ? "less" : "";
  return [column.number ? "number" : "", less].filter(Boolean).join(" ") || null;
}

function rowOf(row, columns) {
  const cells = columns.map((column) => {
    const text = row.cells[column.index];
    const known = column.name === "name" && row.runs.some((run) => run in DATA.runs);
    const inside = known ? make("a", { href: runAddress(row.runs.find((run) => run in DATA.runs)) }, text) : text;
    return make("td", { class: classOf(column) }, inside);
  });
  return make("tr", { class: row.pareto ? "front" : null }, cells);
}
