"""What an admission admits after an outage."""

import pytest

from shared.messaging.admission import Admission
from tests.support.waiting import until


class Pings:
    """Counts how often they had to decide."""

    def __init__(self) -> None:
        self.asked = 0

    def decide(self) -> None:
        self.asked += 1


@pytest.fixture
def pings(monkeypatch: pytest.MonkeyPatch) -> Pings:
    monkeypatch.setattr("shared.messaging.admission._TRIAL_SECONDS", 0.02)
    return Pings()


@pytest.fixture
async def admission(pings: Pings) -> Admission:
    """Half-open since 10.0."""
    admission = Admission(pings.decide)
    admission.close()
    admission.half_open(10.0)
    return admission


async def test_an_open_one_admits_everything(pings: Pings) -> None:
    admission = Admission(pings.decide)
    for now in (1.0, 2.0):
        admission.admit(now)
        assert (admission.is_open, admission.admitting.is_set()) == (True, True)


async def test_a_closed_one_stays_closed_whatever_work_reports(admission: Admission) -> None:
    admission.close()
    for began in (1.0, 11.0):
        admission.ended(began)
        admission.succeeded(began)
        admission.admit_another()
    assert (admission.is_open, admission.admitting.is_set()) == (False, False)


@pytest.mark.parametrize(
    ("began", "admits"),
    [
        pytest.param(9.0, False, id="before the outage ended"),
        pytest.param(10.5, False, id="before the trial"),
        pytest.param(11.0, True, id="the trial"),
    ],
)
async def test_the_next_one_is_admitted_when_the_trial_ends(
    admission: Admission, began: float, *, admits: bool
) -> None:
    assert admission.admitting.is_set()
    admission.admit(11.0)
    assert not admission.admitting.is_set()
    admission.ended(began)
    assert admission.admitting.is_set() == admits
    assert not admission.is_open


@pytest.mark.parametrize(("began", "opens"), [(9.0, False), (10.0, True), (11.0, True)])
async def test_it_opens_with_a_success_of_work_that_began_after_the_outage(
    admission: Admission, began: float, *, opens: bool
) -> None:
    admission.admit(11.0)
    admission.succeeded(began)
    assert (admission.is_open, admission.admitting.is_set()) == (opens, opens)


async def test_pings_decide_if_no_trial_proves_anything(admission: Admission, pings: Pings) -> None:
    for now in (11.0, 12.0, 13.0):
        admission.admit(now)
        admission.ended(now)
    await until(lambda: pings.asked == 1)
    admission.admit_another()  # the pings decided nothing
    admission.admit(14.0)
    await until(lambda: pings.asked == 2)


async def test_pings_decide_nothing_after_it_has_opened_or_closed(pings: Pings) -> None:
    for decide in (Admission.open, Admission.close):
        admission = Admission(pings.decide)
        admission.half_open(10.0)
        admission.admit(11.0)
        decide(admission)
        assert admission._timer is None
