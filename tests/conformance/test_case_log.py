"""The events of a worked month, replayed by pm4py against the table of steps: every case fits, a broken log does not.

The table (``grid/cases/transitions.py``) becomes a Petri net: a place a state, a transition a step. A transition is named
by the state before, the step and the state after, so each name occurs once and a replay has nothing to guess. What the
table does not say with states alone is kept by further places: which state a suspended or merged case goes back to.
"""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd
import pm4py
import pytest
from pm4py.objects.petri_net.obj import Marking, PetriNet
from pm4py.objects.petri_net.utils import petri_utils
from sqlalchemy import text

from geo_api.demo_city import END_DAY
from grid.cases import RULES
from grid.cases.transitions import (
    BACK,
    GIVING,
    HANDLED,
    OPEN_STATES,
    PARTS,
    SAME,
    TAKES_BACK,
    WITH_OTHER_DATA,
)
from layers.postgres import SYSTEM, session
from layers.private_server import Cluster
from layers.tables import CASE_STATES
from tests.support.cities import NANTONG
from tests.support.demo_files import demo_city
from tests.support.worked_month import city_for_month

REPORTS = 110
AFTER_PARTS = ("dispatched", "arrived", "disposed", "fed_back", "rework")
"""States that follow from the parts of the bodies."""
BY_THE_SERVICE = ("escalate", "set_deadline")
"""Steps of the service itself: they leave an open case in its state."""
OF_OTHER_CASES = ("absorb", "release")
"""Events of a case about another one that was merged into it: they leave it in its state; it may be over when one comes out."""


def label(before: str | None, action: str, after: str) -> str:
    """Name of a step in net and log."""
    return f"{before or 'start'} / {action} / {after}"


def steps_of_table() -> Iterator[tuple[str, str, str]]:
    """Every step that the table allows: state before, step, state after."""
    for action, rule in RULES.items():
        for before in sorted(rule.sources):
            if rule.target == SAME:
                yield before, action, before
                if action in GIVING and before in HANDLED:
                    yield from ((before, action, after) for after in AFTER_PARTS if after != before)
            elif rule.target == PARTS:
                yield from ((before, action, after) for after in AFTER_PARTS)
            elif rule.target == BACK:
                yield from ((before, action, after) for after in sorted(RULES[TAKES_BACK[action]].sources))
            else:
                yield before, action, rule.target
    for action in BY_THE_SERVICE:
        yield from ((state, action, state) for state in sorted(OPEN_STATES))
    for action in OF_OTHER_CASES:
        states = OPEN_STATES if action == "absorb" else CASE_STATES
        yield from ((state, action, state) for state in sorted(states))


def net_of_table() -> tuple[PetriNet, Marking, Marking]:
    """Return the net, its marking before the report, and its marking after the last event of a log.

    A log may end in any state: a case need not be closed.
    """
    net = PetriNet("cases")
    places = {name: PetriNet.Place(name) for name in ("start", "end", *CASE_STATES)}
    memory = {
        (step, state): PetriNet.Place(f"{RULES[step].target} from {state}")
        for step in TAKES_BACK.values()
        for state in RULES[step].sources
    }
    net.places.update([*places.values(), *memory.values()])

    def add(name: str | None, key: str, before: list[PetriNet.Place], after: list[PetriNet.Place]) -> None:
        made = PetriNet.Transition(key, name)
        net.transitions.add(made)
        for place in before:
            petri_utils.add_arc_from_to(place, made, net)
        for place in after:
            petri_utils.add_arc_from_to(made, place, net)

    opening = label(None, "report", "reported")
    add(opening, opening, [places["start"]], [places["reported"]])
    for before, action, after in steps_of_table():
        name = label(before, action, after)
        taken, given = [places[before]], [places[after]]
        if action in TAKES_BACK.values():
            given.append(memory[action, before])
        if action in TAKES_BACK:
            taken.append(memory[TAKES_BACK[action], after])
        add(name, name, taken, given)
    left = {RULES[step].target for step in TAKES_BACK.values()}
    for state in CASE_STATES:
        if state not in left:
            add(None, f"end in {state}", [places[state]], [places["end"]])
    for (step, state), place in memory.items():
        target = RULES[step].target
        add(None, f"end {target} from {state}", [places[target], place], [places["end"]])
    return net, Marking({places["start"]: 1}), Marking({places["end"]: 1})


@pytest.fixture(scope="module")
def log(cluster: Cluster, _migrated: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[pd.DataFrame]:
    """The events of all cases as an event log: case, activity, time."""
    files, folder = demo_city(tmp_path_factory).folder, tmp_path_factory.mktemp("log")
    with city_for_month(cluster, _migrated, NANTONG, files, folder, END_DAY) as city:
        city.work(REPORTS)
        with session(SYSTEM, city.url) as db:
            rows = db.execute(
                text(
                    "SELECT c.number, e.seq, e.at, e.action, e.from_state, e.to_state FROM case_events e"
                    " JOIN cases c ON c.id = e.case_id ORDER BY c.number, e.seq"
                )
            ).all()
    yield pd.DataFrame(
        {
            "case:concept:name": [row.number for row in rows],
            "concept:name": [label(row.from_state, row.action, row.to_state) for row in rows],
            "time:timestamp": pd.to_datetime([row.at for row in rows], utc=True),
            "action": [row.action for row in rows],
            "before": [row.from_state or "start" for row in rows],
            "after": [row.to_state for row in rows],
        }
    )


def fitness(log: pd.DataFrame) -> tuple[float, float]:
    """Fitness of a log, 0 to 1, and the share of its cases that fit."""
    found = pm4py.fitness_token_based_replay(log, *net_of_table())
    return found["log_fitness"], found["perc_fit_traces"] / 100


def test_every_case_of_the_month_fits_the_table_of_steps(log: pd.DataFrame) -> None:
    assert log["case:concept:name"].nunique() > 100
    assert set(RULES) - WITH_OTHER_DATA | {"attach", "take_down"} <= set(log["action"]), (
        "the log has steps of all kinds"
    )
    assert fitness(log) == (1.0, 1.0)


@pytest.mark.parametrize("action", ["dispatch", "dispose", "resume", "rework", "merge"])
def test_a_log_in_which_steps_are_missing_does_not_fit(log: pd.DataFrame, action: str) -> None:
    """A case with a gap in its remaining events does not fit; such cases are counted here without pm4py."""
    broken = log[log["action"] != action].copy()
    gaps = broken["before"] != broken.groupby("case:concept:name")["after"].shift().fillna("start")
    with_gaps = broken.loc[gaps, "case:concept:name"].nunique()
    whole, fit = fitness(broken)
    assert with_gaps and whole < 1
    assert fit == pytest.approx(1 - with_gaps / log["case:concept:name"].nunique())


def test_a_case_that_is_closed_without_a_check_does_not_fit(log: pd.DataFrame) -> None:
    broken = log.copy()
    skipped = broken["action"] == "close"
    broken.loc[skipped, "concept:name"] = label("fed_back", "close", "closed")
    assert fitness(broken)[1] < 1


def test_a_case_that_comes_back_to_another_state_than_it_left_does_not_fit(log: pd.DataFrame) -> None:
    """Names that the net knows, in an order that it does not allow: only its memory of the suspension tells."""
    broken = log.copy()
    resumed = broken["action"] == "resume"
    assert resumed.any()
    broken.loc[resumed, "concept:name"] = label("suspended", "resume", "filed")
    assert fitness(broken)[1] < 1
