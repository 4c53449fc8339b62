"""What people read is what was meant: no part of a message is taken for a picture or a style."""

from __future__ import annotations

import pytest

from mediaserver.app.console import err, print_table, verdict


def test_colons_in_a_message_make_no_pictures(capsys: pytest.CaptureFixture[str]) -> None:
    err.print("error: tone:x: use tone:HZ")
    assert capsys.readouterr().err == "error: tone:x: use tone:HZ\n"


def test_a_name_in_a_table_is_shown_as_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    print_table(("name", "met"), [("[red] :smile: [/b]", verdict(True))], empty="")
    assert capsys.readouterr().out.splitlines()[1].split() == ["[red]", ":smile:", "[/b]", "yes"]
