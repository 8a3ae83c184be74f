"""One search on a table: what it sees, what it pays, and what is told only at the end."""

import numpy as np
import pytest

from skelbench.errors import DataError, SpecError
from skelbench.search import Proposal


def test_a_search_sees_validation_of_the_repetitions_seed(table):
    sample = table.architectures[9]
    for repetition in range(5):
        seen = table.session(repetition).evaluate(sample)
        assert seen == table.validation("cross_entropy")[9, repetition % 3]
    assert table.session(1, "top1").evaluate(sample) == table.validation("top1")[9, 1]


def test_test_figures_cannot_be_reached_by_a_search(table):
    """Whatever the test figures are, a search sees the same."""
    changed = type(table)(
        table.header, {**table.arrays, "test": table.arrays["test"][::-1], "test_loss": None}, table.digest
    )
    for sample in table.architectures:
        assert table.session(2).evaluate(sample) == changed.session(2).evaluate(sample)
    session = table.session(0)
    hidden = {"regret", "truth", "test", "outcome", "best"}
    assert not hidden & {name for name in dir(session) if not name.startswith("_")}


def test_an_evaluation_is_paid_once(table):
    session = table.session(0)
    for _ in range(3):
        session.evaluate(table.architectures[0])
    session.evaluate(table.architectures[1])
    assert session.evaluations == 2
    assert session.close().seconds.tolist() == [4.0, 8.0]


def test_architectures_that_are_one_network_are_each_paid_for(table):
    """As a run would train them."""
    first = table.architectures[0]
    network = np.where(np.arange(len(table.architectures)) == 1, 0, table.arrays["network"])
    session = type(table)(table.header, {**table.arrays, "network": network}, table.digest).session(0)
    assert session.evaluate(first) == session.evaluate(table.architectures[1])
    assert session.evaluations == 2


def test_regret_is_that_of_the_incumbent_by_validation(table):
    session = table.session(0)
    best = -np.inf
    expected = []
    for row in (3, 8, 1, 40):
        value = session.evaluate(table.architectures[row])
        if value > best:
            best, incumbent = value, row
        expected.append(table.truth.max() - table.truth[incumbent])
    outcome = session.close()
    assert outcome.regret.tolist() == pytest.approx(expected)
    assert outcome.final == pytest.approx(expected[-1])


def test_a_training_that_goes_on_pays_the_rest(table):
    session = table.session(0)
    session.evaluate(table.architectures[0], epochs=1)
    session.evaluate(table.architectures[1], epochs=2)
    session.evaluate(table.architectures[0], epochs=4)
    outcome = session.close()
    assert outcome.seconds.tolist() == [1.0, 3.0, 6.0]
    assert outcome.incumbents.tolist() == [0, 1, 0], "longer trainings count before shorter ones"


def test_only_the_tables_fidelities_can_be_asked_for(table):
    with pytest.raises(SpecError, match="no trainings of 3 epochs"):
        table.session(0).evaluate(table.architectures[0], epochs=3)


def test_a_hole_is_an_error_to_a_user_and_a_failed_trial_to_a_search(holed):
    session = holed.session(0)
    with pytest.raises(DataError, match="hole"):
        session.evaluate(holed.architectures[5])
    assert session.propose(Proposal(holed.architectures[5])) is None
    outcome = session.close()
    assert (outcome.evaluations, outcome.holes) == (0, 1)
    assert np.isnan(outcome.final)


def test_a_proposal_without_a_sample_and_a_negative_repetition_are_refused(table):
    with pytest.raises(SpecError, match="has no sample"):
        table.session(0).propose(Proposal())
    with pytest.raises(SpecError, match="no repetition -1"):
        table.session(-1)
