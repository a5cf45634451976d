"""Query parameters: what is missing, repeated or unknown is listed at once; request ids are accepted in any case."""

import pytest

from services.gateway.web import Problem, ProblemDocument, ProblemType, check_query, is_request_id, request_id_of

ULID = "01KAP2Y3Q4R5S6T7V8W9XAYBZC"


def refused(given: list[tuple[str, str]], required: tuple[str, ...]) -> ProblemDocument:
    with pytest.raises(Problem) as problem:
        check_query("/there", given, required)
    return problem.value.document


def test_the_required_parameters_are_returned() -> None:
    assert check_query("/there", [("a", "1"), ("b", "")], ("a", "b")) == {"a": "1", "b": ""}
    assert check_query("/there", []) == {}


def test_everything_is_listed_at_once() -> None:
    document = refused([("a", "1"), ("a", "2"), ("x", "3"), ("x", "4")], ("a", "b"))

    assert document.type == ProblemType.PARAMETER.urn
    assert [(error.parameter, error.detail) for error in document.errors or ()] == [
        ("b", "b is missing"),
        ("a", "a is given 2 times"),
        ("x", "'x' is not a query parameter of /there; it accepts a and b"),
    ]


def test_an_unknown_parameter_alone_has_the_same_type() -> None:
    assert refused([("a", "1"), ("x", "3")], ("a",)).type == ProblemType.PARAMETER.urn
    assert refused([("x", "3")], ()).detail == "'x' is not a query parameter of /there; it accepts none"


def test_a_long_name_is_shortened() -> None:
    [error] = refused([("x" * 500, "1")], ()).errors or []

    assert error.parameter == "x" * 64
    assert len(error.detail) < 150


@pytest.mark.parametrize("text", [ULID, ULID.lower(), ULID.title()])
def test_a_request_id_is_normalised(text: str) -> None:
    assert request_id_of(text) == ULID


@pytest.mark.parametrize("text", ["", ULID[1:], ULID + "0", "8" + ULID[1:], ULID[:-1] + "L", ULID[:-1] + "\u0131"])
def test_other_texts_are_not_request_ids(text: str) -> None:
    assert not is_request_id(text)
    with pytest.raises(Problem) as problem:
        request_id_of(text)
    assert problem.value.document.type == ProblemType.UNKNOWN_REQUEST.urn
