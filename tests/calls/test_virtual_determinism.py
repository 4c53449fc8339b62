"""The same call twice is the same twice: every byte of the recording and every character on the wire."""

from __future__ import annotations

from pathlib import Path

from callbench.phone import speech, tone
from callbench.virtual_time import run_virtual
from callmodel.modes import NotificationType, RecordingMode
from tests.support.virtual import Carrier, SipLog, user


def once(data_dir: Path, seed: int) -> tuple[bytes, str, list[tuple[float, str, str, str]], bytes]:
    """Audio and manifest of a call with a bit of everything, what went over the wire, and what the callee heard."""
    data_dir.mkdir()
    log = SipLog()

    async def scenario() -> tuple[bytes, str, bytes]:
        chatty = user(
            "1001",
            RecordingMode.ALWAYS_PAUSE_RESUME,
            announce_internal=True,
            notification=NotificationType.BEEP,
            reminder_s=10,
        )
        async with Carrier(data_dir=data_dir, subscribers=(chatty, user("1002")), seed=seed) as carrier:
            carrier.network.fate = log
            mine, other = await carrier.connect(caller_says=speech(), callee_says=tone(613))
            await mine.talk(4)
            await mine.press("*48")
            await mine.hold()
            await mine.talk(1)
            await mine.resume()
            await mine.press("*4912")
            await mine.talk(11)
            await carrier.over(mine, other)
            (recording,) = carrier.recordings()
            audio = (recording.directory / "audio.wav").read_bytes()
            heard = b"".join(packet.payload for packet in other.heard.packets)
            return audio, recording.manifest.to_json(), heard

    audio, manifest, heard = run_virtual(scenario())
    return audio, manifest, log.messages, heard


def test_the_same_call_twice_gives_the_same_bytes(tmp_path: Path) -> None:
    assert once(tmp_path / "one", 1) == once(tmp_path / "two", 1)


def test_another_seed_gives_other_names_and_the_same_sound(tmp_path: Path) -> None:
    one, two = once(tmp_path / "one", 1), once(tmp_path / "two", 2)

    assert one[0] == two[0]
    assert one[1] != two[1]
    assert one[2] != two[2]
