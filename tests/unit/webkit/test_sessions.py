"""Sessions run out, tokens are never kept, and a form fits only the browser it was sent to."""

from __future__ import annotations

from webkit.sessions import IDLE_S, LONGEST_S, Notice, Sessions


class Clock:
    """Monotonic seconds that a test turns."""

    def __init__(self) -> None:
        self.s = 1000.0

    def __call__(self) -> float:
        return self.s


def test_a_session_is_found_by_its_token_alone() -> None:
    sessions = Sessions(Clock())
    token = sessions.open("admin")
    found = sessions.find(token)
    assert found is not None
    assert found.user == "admin"
    assert sessions.find(token + "x") is None
    assert token not in str(vars(sessions)), "only digests are held"


def test_an_idle_session_runs_out_and_a_used_one_goes_on() -> None:
    clock = Clock()
    sessions = Sessions(clock)
    token = sessions.open("admin")
    clock.s += IDLE_S - 1
    assert sessions.find(token) is not None
    clock.s += IDLE_S - 1
    assert sessions.find(token) is not None
    clock.s += IDLE_S + 1
    assert sessions.find(token) is None


def test_no_session_lasts_for_ever() -> None:
    clock = Clock()
    sessions = Sessions(clock)
    token = sessions.open("admin")
    end = clock.s + LONGEST_S
    while clock.s < end:
        assert sessions.find(token) is not None
        clock.s += IDLE_S - 1
    assert sessions.find(token) is None


def test_a_new_password_signs_the_user_out_elsewhere_only() -> None:
    sessions = Sessions(Clock())
    here, there, other = sessions.open("admin"), sessions.open("admin"), sessions.open("provider")
    sessions.close_all("admin", but=here)
    assert [sessions.find(token) is not None for token in (here, there, other)] == [True, False, True]


def test_a_form_fits_only_the_browser_it_was_sent_to() -> None:
    sessions = Sessions(Clock())
    mine, theirs = sessions.new_token(), sessions.new_token()
    assert sessions.csrf_fits(mine, sessions.csrf(mine))
    assert not sessions.csrf_fits(mine, sessions.csrf(theirs))
    assert not sessions.csrf_fits(mine, "é\ud800")
    assert not Sessions(Clock()).csrf_fits(mine, sessions.csrf(mine)), "another process has another key"


def test_notices_belong_to_a_session() -> None:
    sessions = Sessions(Clock())
    session = sessions.find(sessions.open("admin"))
    assert session is not None
    session.notices.append(Notice(kind="success", text="Saved."))
    assert session.notices == [Notice(kind="success", text="Saved.")]
