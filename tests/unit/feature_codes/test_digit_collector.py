"""The digit collector: what is withheld, what is swallowed, what is let go, and when."""

from __future__ import annotations

import itertools

from hypothesis import given
from hypothesis import strategies as st

from callmodel.digits import DigitPressed
from callmodel.modes import SteeringChannel
from feature_codes import CollectorOutput, Command, DigitCollector, FeatureCode, FeatureCodes, FeatureCommand, Replay


def press(digit: str, at: float = 0.0, channel: SteeringChannel = SteeringChannel.RFC4733) -> DigitPressed:
    return DigitPressed(digit=digit, at=at, duration_ms=100, channel=channel)


def dial(collector: DigitCollector, text: str, start: float = 0.0) -> list[str]:
    """Dial a text, a key every 0.2 s, and tell each output in short: ``START`` or ``replay 12``."""
    outputs: list[Command | Replay] = []
    for n, digit in enumerate(text):
        outputs.extend(collector.press(press(digit, start + n * 0.2)))
    return short(tuple(outputs))


def short(outputs: CollectorOutput) -> list[str]:
    return [o.command.upper() if isinstance(o, Command) else f"replay {o.digits}" for o in outputs]


def test_a_code_is_swallowed_and_tells_its_last_key() -> None:
    collector = DigitCollector(FeatureCodes())
    assert collector.press(press("*", 1.0)) == ()
    assert collector.press(press("4", 1.2)) == ()
    assert collector.press(press("8", 1.4, SteeringChannel.SIP_INFO_DTMF)) == (
        Command(code="*48", command=FeatureCommand.PAUSE, at=1.4, channel=SteeringChannel.SIP_INFO_DTMF),
    )


def test_an_ordinary_key_passes_at_once_and_unchanged() -> None:
    five = press("5", 3.0, SteeringChannel.IN_BAND)
    assert DigitCollector(FeatureCodes()).press(five) == (Replay(presses=(five,)),)


def test_keys_that_cannot_be_a_code_any_more_are_let_go_together_and_in_order() -> None:
    collector = DigitCollector(FeatureCodes())
    keys = (press("*", 1.0), press("4", 1.1), press("1", 1.2))
    assert [collector.press(key) for key in keys] == [(), (), (Replay(presses=keys),)]


def test_a_second_star_lets_the_first_go_and_may_still_match() -> None:
    assert dial(DigitCollector(FeatureCodes()), "**44") == ["replay *", "START"]


def test_a_code_begun_twice_matches_the_second_time() -> None:
    assert dial(DigitCollector(FeatureCodes()), "*4*44") == ["replay *4", "START"]


def test_the_star_of_a_failed_code_is_held_again() -> None:
    collector = DigitCollector(FeatureCodes())
    assert dial(collector, "*4*") == ["replay *4"]
    assert collector.held == "*"


def test_codes_follow_each_other_and_keys_after_a_code_pass() -> None:
    assert dial(DigitCollector(FeatureCodes()), "*48*4944*45") == ["PAUSE", "RESUME", "replay 4", "replay 4", "STOP"]


def test_held_keys_are_let_go_when_two_seconds_pass() -> None:
    collector = DigitCollector(FeatureCodes())
    dial(collector, "*4", start=10.0)
    assert collector.next_timer() == 12.2
    assert collector.expire(12.199) == ()
    assert short(collector.expire(12.2)) == ["replay *4"]
    assert collector.next_timer() is None


def test_every_key_starts_the_two_seconds_anew() -> None:
    collector = DigitCollector(FeatureCodes())
    outputs = [*collector.press(press("*", 0.0)), *collector.press(press("4", 1.9)), *collector.press(press("4", 3.8))]
    assert short(tuple(outputs)) == ["START"]


def test_a_key_after_the_time_is_up_does_not_complete_a_code_even_if_the_timer_is_late() -> None:
    collector = DigitCollector(FeatureCodes())
    dial(collector, "*4", start=0.0)
    assert short(collector.press(press("4", 2.3))) == ["replay *44"]
    assert collector.held == ""


def test_expiry_with_nothing_held_is_nothing() -> None:
    assert DigitCollector(FeatureCodes()).expire(99.0) == ()


def test_the_timeout_is_an_argument() -> None:
    collector = DigitCollector(FeatureCodes(), timeout_s=0.5)
    collector.press(press("*", 1.0))
    assert collector.next_timer() == 1.5


def test_flushing_lets_go_of_what_is_held() -> None:
    collector = DigitCollector(FeatureCodes())
    dial(collector, "*4")
    assert short(collector.flush()) == ["replay *4"]
    assert collector.flush() == ()


def test_a_code_hidden_in_a_failed_one_is_found() -> None:
    """``*12#`` fails at the 5, and what is left, ``125``, is a code of its own."""
    codes = FeatureCodes(
        start=FeatureCode(command=FeatureCommand.START, main="*12#"),
        pause=FeatureCode(command=FeatureCommand.PAUSE, main="125"),
    )
    assert dial(DigitCollector(codes), "*125") == ["replay *", "PAUSE"]


def test_two_codes_may_complete_on_one_key() -> None:
    """``*12#`` fails late; the code inside it and the beginning after it are both seen."""
    codes = FeatureCodes(
        start=FeatureCode(command=FeatureCommand.START, main="*12#"),
        pause=FeatureCode(command=FeatureCommand.PAUSE, main="12"),
    )
    collector = DigitCollector(codes)
    assert dial(collector, "*12*") == ["replay *", "PAUSE"]
    assert collector.held == "*"


def reference(text: str, codes: dict[str, str]) -> list[str]:
    """The same by the simplest means: at each place a whole code is taken, else one key passes."""
    found, position = [], 0
    while position < len(text):
        code = next((c for c in codes if text.startswith(c, position)), None)
        found.append(codes[code] if code else text[position])
        position += len(code) if code else 1
    return found


@given(st.text(alphabet="*4589", max_size=24))
def test_any_dialling_gives_what_reading_the_whole_text_gives(text: str) -> None:
    collector = DigitCollector(FeatureCodes())
    outputs = [collector.press(press(digit, n * 0.1)) for n, digit in enumerate(text)]
    outputs.append(collector.expire(99.0))
    told: list[str] = []
    for output in itertools.chain.from_iterable(outputs):
        told.extend([output.command.value] if isinstance(output, Command) else output.digits)
    codes = {"*44": "start", "*45": "stop", "*48": "pause", "*49": "resume"}
    assert told == reference(text, codes)


@given(st.lists(st.tuples(st.sampled_from("*#0458"), st.floats(0.01, 4.0)), max_size=20))
def test_no_key_is_lost_doubled_or_moved(keys: list[tuple[str, float]]) -> None:
    collector, now, pressed = DigitCollector(FeatureCodes()), 0.0, ""
    told: list[str] = []
    for digit, wait_s in keys:
        now += wait_s
        pressed += digit
        for output in collector.press(press(digit, now)):
            told.append(output.code if isinstance(output, Command) else output.digits)
    told.extend(o.digits for o in collector.flush() if isinstance(o, Replay))
    assert "".join(told) == pressed
