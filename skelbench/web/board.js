// The whole page: which table, which rows, in which order; the page of a run where the address names one.
const page = document.getElementById("page");
const largest = (source) => DATA.tables.map((t, n) => [t.source === source ? t.rows.length : 0, -n]).sort((a, b) => b[0] - a[0] || b[1] - a[1])[0];
const first = [largest("measured"), largest("reported")].find((one) => one && one[0]);
const state = { table: first ? -first[1] : 0, text: "", most: "", front: false, all: false, sort: null, low: true, hidden: new Set() };
let latest = null;

function chosen() {
  return DATA.tables[state.table];
}

function kept() {
  const words = state.text.toLowerCase().split(/\s+/).filter(Boolean), most = parseFloat(state.most);
  return chosen().rows.filter((row) => {
    if (state.front && !row.pareto) return false;
    if (state.hidden.has(row.group)) return false;
    if (!Number.isNaN(most) && (row.x === null || row.x > most)) return false;
    const text = words.length ? row.cells.join(" ").toLowerCase() : "";
    return words.every((word) => text.includes(word));
  });
}

function refresh() {
  const table = chosen(), rows = kept();
  if (state.sort !== null) {
    const column = table.columns.findIndex((one) => one.name === state.sort);
    if (column >= 0) rows.sort(compare(column, state.low));
  }
  latest.count.textContent = `${rows.length} of ${table.rows.length} rows`;
  const drawn = table.budgets ? regretOf(table, rows, latest.colours) : scatterOf(table, latest.reported, rows, latest.colours);
  latest.chart.replaceChildren(drawn);
  latest.table.show(rows);
}

function resort(column) {
  state.low = state.sort === column.name ? !state.low : column.low;
  state.sort = column.name;
  rebuildTable(column.name);
}

function rebuildTable(focus) {
  const made = tableOf(chosen(), state, resort);
  latest.place.replaceChildren(made.element);
  latest.table = made;
  refresh();
  const at = focus ? chosen().columns.filter((c) => c.shown || state.all).findIndex((c) => c.name === focus) : -1;
  if (at >= 0) made.element.querySelectorAll("th button")[at].focus();
}

function boardPage() {
  if (!DATA.tables.length || !DATA.tables.some((table) => table.rows.length)) {
    return [headOf(), make("p", {}, "There are no rows yet. Make one: skelbench run sgcn")];
  }
  const table = chosen();
  const groups = [...new Set(table.rows.map((row) => row.group))].sort();
  const colours = Object.fromEntries(groups.map((name, n) => [name, COLOURS[n % COLOURS.length]]));
  const reported = table.source === "measured"
    ? DATA.tables.filter((t) => t.source === "reported" && t.dataset === table.dataset && t.protocol === table.protocol).flatMap((t) => t.rows) : [];
  latest = { count: make("span", { class: "soft", role: "status" }), chart: make("div"), place: make("div"), colours, reported };
  return [headOf(), tabsOf(), make("p", { class: "soft" }, table.caption), controls(), legendOf(colours), latest.chart,
    make("p", {}, latest.count), latest.place, table.legend ? make("p", { class: "soft" }, table.legend) : null];
}

function headOf() {
  const dark = () => (document.documentElement.dataset.theme || (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light")) === "dark";
  return make("header", {}, make("h1", {}, "skelbench leaderboard"), make("button", { type: "button", onclick: () => {
    document.documentElement.dataset.theme = dark() ? "light" : "dark";
  } }, "Light / dark"));
}

function tabsOf() {
  const box = make("select", { onchange: () => {
    Object.assign(state, { table: Number(box.value), sort: null, low: true, hidden: new Set(), most: "", front: false });
    show();
    document.querySelector("nav select").focus();
  } }, DATA.tables.map((table, n) => make("option", { value: n, selected: n === state.table },
    `${table.title}${{ measured: `, split ${table.split}`, reported: ", as reported" }[table.source] || ""} (${table.rows.length})`)));
  return make("nav", { "aria-label": "Tables" }, make("label", {}, "Table ", box));
}

function controls() {
  const bind = (name, type, label, more) => {
    const box = make("input", { type, ...more });
    if (type === "checkbox") box.checked = state[name]; else box.value = state[name];
    box.addEventListener("input", () => {
      state[name] = type === "checkbox" ? box.checked : box.value;
      if (name === "all") rebuildTable(null); else refresh();
    });
    return make("label", {}, label, box);
  };
  const costly = chosen().budgets ? [] : [bind("most", "number", "At most GMACs", { step: "any", min: "0" }),
    bind("front", "checkbox", "Pareto front only", {})];
  return make("div", { class: "controls" }, bind("text", "search", "Filter", { placeholder: "model, space, stream ..." }),
    costly, bind("all", "checkbox", "All columns", {}));
}

function legendOf(colours) {
  const names = Object.keys(colours);
  if (names.length < 2) return null;
  return make("div", { class: "legend", role: "group", "aria-label": "Shown" }, names.map((name) => {
    const button = make("button", { type: "button", "aria-pressed": String(!state.hidden.has(name)), onclick: () => {
      if (!state.hidden.delete(name)) state.hidden.add(name);
      button.setAttribute("aria-pressed", String(!state.hidden.has(name)));
      refresh();
    } }, make("span", { class: "swatch", style: { background: colours[name] } }), name);
    return button;
  }));
}

function runAsked() {
  try {
    return location.hash.startsWith("#run=") ? decodeURIComponent(location.hash.slice(5)) : null;
  } catch {
    return null; // an address that somebody has cut short
  }
}

function show() {
  const asked = runAsked();
  if (asked !== null && Object.hasOwn(DATA.runs, asked)) {
    page.replaceChildren(headOf(), runPage(asked));
    scrollTo(0, 0);
    return;
  }
  page.replaceChildren(...boardPage().filter(Boolean));
  if (latest && document.contains(latest.place)) rebuildTable(null);
}

addEventListener("hashchange", show);
matchMedia("(max-width: 640px)").addEventListener("change", () => latest && document.contains(latest.chart) && refresh());
show();
