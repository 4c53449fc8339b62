"""Keys in the audio, in whole calls: each reaches the other party once, in the form that party listens for."""

from __future__ import annotations

from pathlib import Path

import pytest

from callbench.network import Address, Fate, MemoryNetwork, undisturbed
from callbench.phone import PhoneCall, quiet
from callbench.virtual_time import run_virtual
from tests.support.virtual import Carrier, user
from tests.support.virtual_ears import listen


def late(data: bytes, source: Address, destination: Address) -> list[float]:
    """One packet of audio in five comes 75 ms late."""
    late_s = 0.075 if data[0] == 0x80 and data[3] % 5 == 0 else 0.0
    return [delay_s + late_s for delay_s in undisturbed(data, source, destination)]


def dialled(tmp_path: Path, keys: str, *, callee_event: int | None, fate: Fate = undisturbed) -> PhoneCall:
    """1001, without telephone-event, presses keys as tones; what 1002 got of the call."""

    async def scenario() -> PhoneCall:
        subscribers = (user("1001"), user("1002"))
        async with Carrier(data_dir=tmp_path, subscribers=subscribers, network=MemoryNetwork(fate)) as carrier:
            call, taken = await carrier.connect(
                caller_says=quiet,
                caller_more={"telephone_event": None},
                callee_more={"telephone_event": callee_event},
            )
            await call.talk(1)
            await call.press(keys, via="inband")
            await call.talk(3)
            await carrier.over(call, taken)
            return taken

    return run_virtual(scenario())


def test_a_party_without_telephone_events_hears_each_key_once(tmp_path: Path) -> None:
    """The tone came to it with the audio; it is not sent anew."""
    taken = dialled(tmp_path, "52", callee_event=None)
    assert (listen(taken.heard.audio(), prompts=False).dialled, taken.heard.digits) == ("52", [])


@pytest.mark.parametrize("payload_type", [101, 96])
def test_a_party_with_telephone_events_gets_each_key_once_as_an_event(tmp_path: Path, payload_type: int) -> None:
    """It listens for events, not for tones."""
    taken = dialled(tmp_path, "52", callee_event=payload_type)
    assert [digit for _, digit, _ in taken.heard.digits] == ["5", "2"]


def test_a_key_with_packets_that_come_late_is_one_key(tmp_path: Path) -> None:
    taken = dialled(tmp_path, "1148", callee_event=101, fate=late)
    assert [digit for _, digit, _ in taken.heard.digits] == ["1", "1", "4", "8"]
