"""Real phones as subprocesses, driven by events: nothing here sleeps, everything waits for what must come."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
from numpy.typing import NDArray

from callmodel.levels import sine_peak_from_dbm0
from mediaserver.media.g711 import decoded, encoded
from mediaserver.media.messages import Codec
from tests.support.priority import ahead
from tests.support.server_process import ROOT, Lines

WAIT_S = 20.0
PHONE = (sys.executable, "-m", "tests.support.pjsua_phone")

Samples = NDArray[np.int16]


class PjsuaPhone:
    """One registered pjsua2 phone in a process of its own."""

    def __init__(self, **options: Any) -> None:
        """Options as in ``tests.support.pjsua_phone``; returns when the phone is registered."""
        self.options = options
        self.number = str(options["user"])
        self._at = 0
        self._process = subprocess.Popen(
            [*PHONE, json.dumps(options)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            bufsize=1,
            cwd=ROOT,
        )
        ahead(self._process.pid)
        self._lines = Lines(self._process.stdout)
        self.wait("started")
        if options.get("register", True):
            self.wait("registration", code=200)

    # --- commands ---------------------------------------------------------------------------

    def do(self, what: str, **facts: Any) -> None:
        """Send one command."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps({"do": what, **facts}) + "\n")
        self._process.stdin.flush()

    def use(self, **facts: Any) -> None:
        """Change what is played, recorded, or answered from the next call on."""
        self.do("set", **facts)
        self.wait("set")

    def call(self, to: str, **facts: Any) -> None:
        """Call and wait until it is answered."""
        self.do("call", to=to, **facts)
        self.wait("state", state="CONFIRMED")

    def hang_up(self) -> None:
        """End the call and wait for its end."""
        self.do("hangup")
        self.wait("over")

    def close(self) -> None:
        """Unregister and end the process."""
        if self._process.poll() is None:
            try:
                self.do("quit")
                self._process.wait(WAIT_S)
            except (subprocess.TimeoutExpired, BrokenPipeError):
                self._process.kill()
                self._process.wait()
        if self._process.stdin is not None:
            self._process.stdin.close()
        self._lines.join()

    # --- events -----------------------------------------------------------------------------

    def wait(self, event: str, *, timeout_s: float = WAIT_S, **facts: Any) -> dict[str, Any]:
        """The next event of a kind with these facts, those before it passed over; AssertionError when none comes."""
        at = self._lines.next(self._at, lambda line: _fits(line, event, facts), timeout_s)
        if at is None:
            raise AssertionError(f"{self.number}: {event} {facts} did not come; it told:\n{self._lines.text()[-3000:]}")
        self._at = at + 1
        found: dict[str, Any] = json.loads(self._lines.all[at])
        return found

    def talk(self, seconds: float) -> None:
        """The call stays up for so long: its end must not come."""
        at = self._lines.next(self._at, lambda line: _fits(line, "over", {}), seconds)
        assert at is None, f"{self.number}: the call ended early:\n{self._lines.text()[-3000:]}"
        assert self._process.poll() is None, f"{self.number}: the phone is gone"

    def stood_still(self, since: float) -> bool:
        """Whether the machine held it up after ``since`` (monotonic seconds): by its own main loop's word."""
        return any(told["at"] >= since for told in self.told("stood-still"))

    def told(self, event: str, **facts: Any) -> list[dict[str, Any]]:
        """Every event of a kind so far, from the beginning."""
        return [json.loads(line) for line in tuple(self._lines.all) if _fits(line, event, facts)]


def _fits(line: str, event: str, facts: dict[str, Any]) -> bool:
    try:
        entry = json.loads(line)
    except ValueError:
        return False
    return entry.get("event") == event and all(entry.get(name) == value for name, value in facts.items())


@dataclass(slots=True)
class Voice:
    """What a phone says: a tone that no 20 ms divide, in samples that its codec carries unchanged."""

    hz: float
    path: Path
    samples: Samples = field(repr=False)

    @classmethod
    def make(
        cls, path: Path, hz: int, *, law: Codec = Codec.PCMU, rate_hz: int = 8000, level_dbm0: float = -12.0
    ) -> Voice:
        """Write a minute of it; no file ends in a call, because pjsip sends a silent frame when one begins anew."""
        tone = np.rint(sine_peak_from_dbm0(level_dbm0) * np.sin(2 * np.pi * hz * np.arange(rate_hz) / rate_hz))
        samples: Samples = tone.astype(np.int16)
        samples = decoded(law, encoded(law, samples).tobytes())
        soundfile.write(path, np.tile(samples, 60), rate_hz, subtype="PCM_16")
        return cls(hz, path, samples)

    def exact_runs(self, channel: Samples, least: int = 800) -> list[tuple[int, int]]:
        """Spans (start, end) of a channel that are this voice sample for sample, each at least so long."""
        period, runs, at = len(self.samples), [], 0
        doubled = np.concatenate([self.samples, self.samples])
        while at + least <= len(channel):
            window = channel[at : at + 64]
            phases = [
                phase
                for phase in np.flatnonzero(self.samples == window[0])
                if np.array_equal(doubled[phase : phase + 64], window)
            ]
            if not phases:
                at += 1
                continue
            expected = np.resize(np.roll(self.samples, -int(phases[0])), len(channel) - at)
            wrong = np.flatnonzero(expected != channel[at:])
            length = int(wrong[0]) if len(wrong) else len(channel) - at
            if length >= least:
                runs.append((at, at + length))
            at += max(length, 1)
        assert period == len(self.samples)
        return runs


def read_wav(path: Path) -> tuple[Samples, int]:
    """Samples of shape (n, channels) and their rate; also of a file whose writer was cut off."""
    samples, rate = soundfile.read(path, dtype="int16", always_2d=True)
    return samples, int(rate)
