"""The table of problem types: complete, without repetition, in the order of their statuses."""

import re
from http import HTTPStatus

import pytest

from services.gateway.web.problem_types import ProblemType
from services.gateway.web.problems import untyped


def test_no_slug_and_no_title_occurs_twice() -> None:
    for values in ([type_.slug for type_ in ProblemType], [type_.title for type_ in ProblemType]):
        assert len(values) == len(set(values))


def test_types_are_listed_in_the_order_of_their_statuses() -> None:
    statuses = [type_.status for type_ in ProblemType]

    assert statuses == sorted(statuses)


@pytest.mark.parametrize("type_", ProblemType)
def test_a_type_is_an_error_with_a_urn_and_a_sentence_about_its_cause(type_: ProblemType) -> None:
    assert type_.status >= 400
    assert re.fullmatch(r"urn:imagemill:problem:[a-z]+(-[a-z]+)*", type_.urn)
    assert type_.when.endswith(".")


def test_a_status_without_a_type_is_about_blank() -> None:
    response = untyped(HTTPStatus.UNAUTHORIZED, {"WWW-Authenticate": "none"})

    assert response.status_code == 401
    assert response.headers["WWW-Authenticate"] == "none"
    assert b'"type":"about:blank","title":"Unauthorized","status":401' in bytes(response.body)
