from dev.docs.markdown import code, table


def test_a_table_has_a_heading_and_one_line_for_each_row() -> None:
    assert table(("a", "b"), [("1", "2"), ("3", "")]) == "| a | b |\n|---|---|\n| 1 | 2 |\n| 3 |  |\n"


def test_a_bar_in_a_cell_is_escaped() -> None:
    assert table(("a",), [("x | y",)]).splitlines()[-1] == "| x \\| y |"


def test_code_is_in_backticks_unless_it_is_empty() -> None:
    assert (code("x"), code("")) == ("`x`", "")
