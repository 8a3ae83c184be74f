"""Strategies side by side: paired, within their budget, and told apart where they differ."""

import json
import subprocess
import sys

import numpy as np
import pytest
from typer.testing import CliRunner

from skelbench.cli.app import app
from skelbench.components import Params, Strategy
from skelbench.errors import SpecError
from skelbench.host.registry import load_registry
from skelbench.search import Proposal
from skelbench.tables import report
from skelbench.tables.bench import BenchOptions, Entry, fitted_params, run_bench
from skelbench.tables.catalog import open_table
from tests.tables import made

FEW = BenchOptions(evaluations=30, repetitions=40)


@pytest.fixture(scope="module")
def strategies():
    registry = load_registry()
    return lambda *names: [Entry(registry.get("strategy", name)) for name in names]


def smooth_table(path):
    """Four places of four options; what each is worth and costs adds up, and there is no noise."""
    header, arrays = made.parts(places=4, options=4)
    rng = np.random.default_rng(3)
    digits = np.array(np.unravel_index(np.arange(256), (4, 4, 4, 4))).T

    def summed(effects):
        return sum(effects[i, digits[:, i]] for i in range(4))

    truth = 70 + 3 * summed(rng.normal(size=(4, 4)))
    arrays["validation_loss"][...] = (100 - truth)[:, None, None] / 50
    arrays["test"][...] = np.round(truth * made.TEST / 100)[:, None, None]
    arrays["macs"][...] = 1e6 * summed(rng.integers(1, 9, (4, 4)))
    made.write_table(path, header, arrays)
    return open_table(path)


class Cheat:
    """Asks for the space's architectures in an order that it was given."""

    def __init__(self, space, **_):
        self.space, self.rest = space, iter(list(space.enumerate())[::-1])

    def ask(self, generation):
        return [Proposal(s) for s in [next(self.rest, None)] if s is not None]

    def tell(self, proposals, fitness):
        assert all(value is not None for value in fitness)


def backwards(**searches):
    return Strategy(
        name="backwards", target=Cheat, params=Params, searches={"own": frozenset(["choice"])}, **searches
    )


def test_a_search_stops_at_its_budget_and_its_regret_never_leaves_the_table(table, strategies):
    (result,) = run_bench(table, strategies("random"), FEW)
    assert result.regret.shape == (40, 30)
    assert (result.evaluations == 30).all()
    assert (result.regret >= 0).all()
    assert result.regret.max() <= table.truth.max() - table.truth.min()
    assert (np.diff(result.seconds, axis=1) > 0).all()


def test_repetitions_repeat_themselves_and_are_paired(table, strategies):
    first, again = (run_bench(table, strategies("random"), FEW)[0] for _ in range(2))
    assert np.array_equal(first.regret, again.regret)
    shifted = BenchOptions(evaluations=30, repetitions=39, seed=1)
    (later,) = run_bench(table, strategies("random"), shifted)
    assert np.array_equal(first.regret[1:], later.regret)


def test_a_plugins_strategy_takes_part(table):
    (result,) = run_bench(table, [Entry(backwards())], BenchOptions(evaluations=64, repetitions=3))
    assert (result.evaluations == 64).all()
    chosen = table.validation("cross_entropy").argmax(0)
    assert result.regret[:, -1] == pytest.approx(table.truth.max() - table.truth[chosen])


def test_who_minds_macs_finds_more_of_the_front(tmp_path, strategies):
    """Accuracy and MACs are each a sum of effects; a search for accuracy alone passes cheap networks by."""
    smooth = smooth_table(tmp_path / "smooth.npz")
    options = BenchOptions(evaluations=80, repetitions=60)
    results = run_bench(smooth, strategies("nsga2", "random", "local"), options)
    shares = {result.strategy: result.fronts for result in results}
    assert shares["random"].shape == (60, 3), "after 25, 50 and 80 evaluations"
    assert (np.diff(shares["random"]) >= -1e-9).all(), "where validation tells the truth a front only grows"
    rows = {row["strategy"]: row for row in report.rows(results, options)}
    assert rows["nsga2"]["front_vs_random"] == "better"
    assert rows["nsga2"]["front@80"] > max(rows["random"]["front@80"], rows["local"]["front@80"])
    page = report.board(results, list(rows.values()), options, "smooth")
    assert page.index("| nsga2 |", page.index("## Accuracy against MACs")) < page.rindex("| random |")


def test_macs_are_handed_to_who_asks_for_them(table, strategies):
    class Asking(Cheat):
        def use_macs(self, macs):
            seen.extend(macs(sample) for sample in self.space.enumerate())

    seen: list[float] = []
    asking = Strategy(name="asking", target=Asking, params=Params, searches={"own": frozenset(["choice"])})
    run_bench(table, [Entry(asking)], BenchOptions(evaluations=3, repetitions=1))
    assert sorted(seen) == sorted(table.arrays["macs"].astype(float))


def test_local_search_is_better_than_random_where_neighbours_are_alike(tmp_path, strategies):
    """On a sum of effects of each decision alone a climb finds the best."""
    table = smooth_table(tmp_path / "smooth.npz")
    options = BenchOptions(evaluations=40, repetitions=60)
    results = run_bench(table, strategies("random", "local"), options)
    rows = {row["strategy"]: row for row in report.rows(results, options)}
    assert rows["local"]["vs_random"] == "better"
    assert rows["local"]["regret@40"] < 0.3 < rows["random"]["regret@40"]
    assert "local is better than random search within 40 evaluations" in report.sentences(results, options)[0]


def test_equal_strategies_are_not_better_than_random(table, strategies):
    (random, *_), twin = (
        strategies("random")[0],
        Strategy(
            name="twin",
            target="skelbench_plugins.strategies.listed:random_search",
            params=strategies("random")[0][0].params,
            searches=strategies("random")[0][0].searches,
        ),
    )
    results = run_bench(table, [Entry(random), Entry(twin)], FEW)
    assert "twin is not better than random search" in report.sentences(results, FEW)[0]


def test_a_budget_of_macs_leaves_out_what_costs_more(table, strategies):
    limit = float(np.median(table.arrays["macs"])) / 1e9
    options = BenchOptions(evaluations=30, repetitions=5, most_gmacs=limit)
    (result,) = run_bench(table, strategies("grid"), options)
    allowed = table.arrays["macs"] <= limit * 1e9
    assert allowed.sum() == 32
    assert result.regret.min() >= 0


@pytest.mark.parametrize("name", ["evolution", "local", "tpe", "ceim"])
def test_a_search_that_asks_for_a_hole_is_told_and_goes_on(name, holed, table, strategies):
    (result,) = run_bench(holed, strategies(name), BenchOptions(evaluations=40, repetitions=5))
    assert result.holes > 0
    assert (result.evaluations <= 40).all()
    assert np.isfinite(result.regret).all()
    few = BenchOptions(evaluations=25, repetitions=5, most_gmacs=float(np.median(table.arrays["macs"])) / 1e9)
    assert np.isfinite(run_bench(table, strategies(name), few)[0].regret).all()


def test_holes_are_no_part_of_the_space(holed, strategies):
    (result,) = run_bench(holed, strategies("grid"), BenchOptions(evaluations=61, repetitions=2))
    assert (result.evaluations == 61).all()
    assert result.holes == 0


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (BenchOptions(evaluations=65), "65 evaluations are more than the 64 architectures"),
        (BenchOptions(evaluations=0), "one evaluation and one repetition at least"),
        (BenchOptions(evaluations=5, repetitions=0), "one evaluation and one repetition at least"),
    ],
)
def test_impossible_budgets_are_refused(table, strategies, options, message):
    with pytest.raises(SpecError, match=message):
        run_bench(table, strategies("random"), options)


def test_a_supernet_strategy_and_bad_parameters_are_refused(strategies):
    with pytest.raises(SpecError, match="'darts' ranks architectures by a supernet"):
        fitted_params(strategies("darts")[0][0], 10, {})
    with pytest.raises(SpecError, match="strategy 'random': batch"):
        fitted_params(strategies("random")[0][0], 10, {"batch": 0})
    assert fitted_params(strategies("random")[0][0], 10, {})["evaluations"] == 10


def test_a_bench_of_light_strategies_imports_no_torch(path):
    code = (
        "import sys; from skelbench.cli.app import main; "
        f"sys.argv = ['skelbench', 'bench', {str(path)!r}, '--strategies', 'random,local,grid,ceim', "
        "'--evaluations', '10', '--repetitions', '5']\n"
        "try:\n    main()\nexcept SystemExit as stop:\n    assert not stop.code, stop.code\n"
        "assert 'torch' not in sys.modules and 'nni' not in sys.modules"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("strategy\tregret@10")


def test_a_label_that_could_act_on_a_page_is_refused(tmp_path):
    path = tmp_path / "x.npz"
    made.write_table(path, *made.parts())
    found = CliRunner().invoke(app, ["bench", str(path), "--strategies", "@x|y=local", "--evaluations", "5"])
    assert found.exit_code != 0
    assert "cannot be a label" in str(found.exception)


def test_one_strategy_takes_part_twice_under_a_label(tmp_path):
    path = tmp_path / "x.npz"
    made.write_table(path, *made.parts())
    words = ["bench", str(path), "--strategies", "ceim,few=ceim", "--param", "few.population=5", "--json"]
    found = CliRunner().invoke(app, [*words, "--evaluations", "20", "--repetitions", "3"])
    rows = {row["strategy"]: row for row in json.loads(found.stdout)["rows"]}
    assert set(rows) == {"random", "ceim", "few"}
    assert rows["few"]["regret@20"] != rows["ceim"]["regret@20"]


def test_without_matplotlib_all_but_the_picture_is_there(tmp_path, path, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    wanted = ["bench", str(path), "--evaluations", "25", "--repetitions", "3", "-o", str(tmp_path / "out")]
    done = CliRunner().invoke(app, wanted)
    assert done.exit_code == 0, done.output
    assert "no picture of the curves" in done.stderr
    assert "pip install 'skelbench[plots]'" in done.stderr
    assert "random" in done.stdout
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == ["strategies.csv", "strategies.md"]
    assert "strategies.svg" not in (tmp_path / "out" / "strategies.md").read_text()
