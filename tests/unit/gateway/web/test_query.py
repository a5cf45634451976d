"""Query parameters: what is missing, repeated or unknown is listed at once; request ids are accepted in any case."""

import pytest

from services.gateway.web import Problem, ProblemType, check_query, is_request_id, name_errors, request_id_of

ULID = "01KAP2Y3Q4R5S6T7V8W9XAYBZC"


def refused(given: list[tuple[str, str]], required: tuple[str, ...]) -> Problem:
    with pytest.raises(Problem) as problem:
        check_query(given, required)
    return problem.value


def test_the_required_parameters_are_returned() -> None:
    assert check_query([("a", "1"), ("b", "")], ("a", "b")) == {"a": "1", "b": ""}
    assert check_query([]) == {}


def test_everything_is_listed_at_once() -> None:
    document = refused([("a", "1"), ("a", "2"), ("x", "3"), ("x", "4")], ("a", "b")).document

    assert document.type == ProblemType.PARAMETER.urn
    assert [error.detail for error in document.errors or ()] == [
        "b is missing",
        "a is given 2 times",
        "'x' is not an option; the options are a and b",
    ]


def test_an_unknown_option_alone_is_a_problem_of_options() -> None:
    assert refused([("a", "1"), ("x", "3")], ("a",)).document.type == ProblemType.OPTIONS.urn
    assert refused([("x", "3")], ()).document.detail == "'x' is not an option; this address has none"


def test_a_long_name_is_shortened() -> None:
    [error] = name_errors([("x" * 500, "1")], ("a",))

    assert error.option == "x" * 64


@pytest.mark.parametrize("text", [ULID, ULID.lower(), ULID.title()])
def test_a_request_id_is_normalised(text: str) -> None:
    assert request_id_of(text) == ULID


@pytest.mark.parametrize("text", ["", ULID[1:], ULID + "0", "8" + ULID[1:], ULID[:-1] + "L", ULID[:-1] + "\u0131"])
def test_other_texts_are_not_request_ids(text: str) -> None:
    assert not is_request_id(text)
    with pytest.raises(Problem) as problem:
        request_id_of(text)
    assert problem.value.document.type == ProblemType.UNKNOWN_REQUEST.urn
