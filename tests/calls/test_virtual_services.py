"""The numbers anyone may dial, 9001 to 9009: what each answers, says and leaves in a recording."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path

import numpy as np
import pytest

from callbench.analysis import analyze
from callbench.phone import Microphone, PhoneCall, PhoneError, quiet, silent, tone
from callbench.virtual_time import run_virtual
from callmodel.manifest import MarkKind
from callmodel.modes import Language, RecordingMode
from mediaserver.media.messages import Codec
from tests.support.virtual import Carrier, Finished, user
from tests.support.virtual_ears import level_of, listen

Story = Callable[[Carrier, PhoneCall], Awaitable[None]]


def ring(
    tmp_path: Path,
    number: str,
    story: Story,
    *,
    says: Microphone = silent,
    codecs: tuple[Codec, ...] = (Codec.PCMU,),
    language: Language = Language.EN,
) -> tuple[PhoneCall, list[Finished]]:
    """1001, always recorded, calls a service number."""

    async def scenario() -> tuple[PhoneCall, list[Finished]]:
        subscribers = (user("1001", RecordingMode.ALWAYS, language=language),)
        async with Carrier(data_dir=tmp_path, subscribers=subscribers) as carrier:
            call = await (await carrier.phone("1001", says, codecs=codecs)).dial(number)
            await story(carrier, call)
            await carrier.settled()
            return call, carrier.recordings()

    return run_virtual(scenario())


def listening(seconds: float) -> Story:
    async def story(carrier: Carrier, call: PhoneCall) -> None:
        await call.answered()
        await call.talk(seconds)
        await carrier.over(call)

    return story


def said_words(call: PhoneCall) -> list[str]:
    """Every announcement heard, the service numbers' words included."""
    report = analyze(call.heard.audio(), 8000).channels[0]
    return [prompt.prompt for prompt in report.prompts if prompt.complete]


def test_9001_returns_what_was_said_sample_for_sample(tmp_path: Path) -> None:
    chance = np.random.default_rng(5)

    def babble(first: int, count: int, rate_hz: int) -> np.ndarray:
        return chance.normal(0, 3000, count).astype(np.int16)

    call, _ = ring(tmp_path, "9001", listening(3), says=babble)

    said, echoed = call.media.said_audio(), call.heard.audio()
    part = echoed[8000:16000]
    places = [at for at in range(4000, 16000) if np.array_equal(said[at : at + 160], part[:160])]
    assert len(places) == 1
    assert np.array_equal(said[places[0] : places[0] + 8000], part)


def test_9002_answers_and_talks(tmp_path: Path) -> None:
    call, (recording,) = ring(tmp_path, "9002", listening(23), says=quiet)

    assert "test-speech" in said_words(call)
    assert listen(recording.audio[:, 1]).levels.active_dbm0 > -30
    assert not recording.audio[:, 0].any()


def test_9002_speaks_the_callers_language(tmp_path: Path) -> None:
    call, _ = ring(tmp_path, "9002", listening(20), language=Language.FR)

    report = analyze(call.heard.audio(), 8000).channels[0]
    assert [(prompt.prompt, prompt.language) for prompt in report.prompts if prompt.complete] == [("test-speech", "fr")]


@pytest.mark.parametrize("codec", list(Codec))
def test_9003_is_a_milliwatt_of_1004_hz(codec: Codec, tmp_path: Path) -> None:
    call, (recording,) = ring(tmp_path, "9003", listening(3), codecs=(codec,))

    rate_hz = codec.sample_rate_hz
    for pcm in (call.heard.audio(rate_hz), recording.audio[:, 1]):
        (milliwatt,) = listen(pcm[rate_hz // 2 : rate_hz * 5 // 2], rate_hz, prompts=False).tones
        assert milliwatt.hz == pytest.approx(1004, abs=1)
        assert milliwatt.level_dbm0 == pytest.approx(0, abs=0.5)


def test_9004_says_back_the_keys_it_got(tmp_path: Path) -> None:
    async def story(carrier: Carrier, call: PhoneCall) -> None:
        await call.answered()
        await call.talk(4)
        for key in "590#":
            await call.press(key)
            await call.talk(1.5)
        await carrier.over(call)

    call, _ = ring(tmp_path, "9004", story)

    assert said_words(call) == ["dial-digits", "digit-5", "digit-9", "digit-0", "digit-pound"]


def test_9005_says_address_and_codec(tmp_path: Path) -> None:
    call, _ = ring(tmp_path, "9005", listening(17))

    said = said_words(call)
    assert [word for word in said if word in ("your-address", "port", "your-codec", "codec-pcmu")] == [
        "your-address",
        "port",
        "your-codec",
        "codec-pcmu",
    ]
    spoken = [
        word.removeprefix("digit-") if word.startswith("digit-") else "." for word in said if word[:3] in "digdot"
    ]
    assert "".join(spoken).startswith("127.0.1.1")


@pytest.mark.parametrize(
    ("number", "codec", "words"),
    [
        ("9005", Codec.PCMU, ["your-address", "digit-1", "digit-2"]),
        ("9005", Codec.G722, ["your-address", "digit-1", "digit-2"]),
        ("9004", Codec.PCMU, ["dial-digits"]),
    ],
)
def test_what_a_number_says_is_in_the_other_partys_channel_only(
    number: str, codec: Codec, words: list[str], tmp_path: Path
) -> None:
    """Channel 1 is the recorded user, who says nothing here."""
    _, (recording,) = ring(tmp_path, number, listening(4), codecs=(codec,))

    assert not recording.audio[:, 0].any()
    report = analyze(recording.audio[:, 1], codec.sample_rate_hz).channels[0]
    told = [prompt.prompt for prompt in report.prompts if prompt.complete]
    assert told[: len(words)] == words
    announced = [mark for mark in recording.manifest.marks if mark.kind is MarkKind.ANNOUNCEMENT]
    assert [(mark.channel, mark.detail["prompt"]) for mark in announced][:1] == [(2, words[0])]


def test_9006_is_busy(tmp_path: Path) -> None:
    async def story(carrier: Carrier, call: PhoneCall) -> None:
        with pytest.raises(PhoneError):
            await call.answered()

    call, recordings = ring(tmp_path, "9006", story)

    assert (call.status, recordings) == (486, [])


def test_9007_rings_until_the_caller_gives_up(tmp_path: Path) -> None:
    async def story(carrier: Carrier, call: PhoneCall) -> None:
        await call.rung()
        await call.talk(170)
        call.hang_up()
        await call.ended()

    call, recordings = ring(tmp_path, "9007", story)

    assert (call.status, set(call.provisional), recordings) == (487, {180}, [])


def test_9008_has_early_media_and_answers_after_five_seconds(tmp_path: Path) -> None:
    call, (recording,) = ring(tmp_path, "9008", listening(3))

    assert call.provisional == [183]
    assert call.answered_at - call.heard.began_at == pytest.approx(5, abs=0.1)
    assert listen(call.heard.audio()[: 4 * 8000]).levels.active_dbm0 > -30
    assert recording.manifest.duration_ms == pytest.approx(3000, abs=30)


def test_9009_answers_and_says_nothing(tmp_path: Path) -> None:
    call, (recording,) = ring(tmp_path, "9009", listening(3), says=tone(437))

    assert not call.heard.audio().any()
    assert level_of(recording.audio[4000:20000, 0], 437) == pytest.approx(-10, abs=0.3)
    assert not recording.audio[:, 1].any()


def test_the_services_hang_on_when_the_caller_hangs_up(tmp_path: Path) -> None:
    call, (recording,) = ring(tmp_path, "9001", listening(2), says=tone(437))

    assert call.end_cause == "bye"
    assert recording.manifest.callee.number == "9001"
    assert level_of(recording.audio[8000:15000, 1], 437) == pytest.approx(-10, abs=0.3)
