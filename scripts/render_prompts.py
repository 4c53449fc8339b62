"""Render the built-in announcements with Debian's espeak-ng; run once when wording changes, the result is checked in.

    apt-get install espeak-ng
    python scripts/render_prompts.py            # all
    python scripts/render_prompts.py goodbye    # some

Writes prompts/audio/<language>/<id>.wav (16 kHz, mono, 16 bit), and wording.json and hashes.json beside them.
Every file has an active speech level of -20 dBm0, no leading or trailing silence beyond 20 ms, and no clipped sample.
The product itself never needs espeak-ng.
"""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
import soxr
from numpy.typing import NDArray

from callmodel.levels import rms_from_dbm0
from callmodel.modes import Language
from prompts.catalogue import CATALOGUE, Prompt
from prompts.levels import LEVEL_DBM0, PEAK_LIMIT, active_speech_level_dbm0

AUDIO = Path(__file__).resolve().parent.parent / "prompts" / "audio"
RATE_HZ = 16000
VOICES = {Language.EN: ("en-gb-x-rp", 150), Language.FR: ("fr-fr", 150)}
"""Voice and words a minute."""
TRIM_DBM0 = -55.0
MARGIN_MS = 20
FADE_MS = 5


def speak(text: str, language: Language) -> NDArray[np.float64]:
    """What espeak-ng says, at RATE_HZ, in units of 16 bit samples."""
    voice, words_a_minute = VOICES[language]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "speech.wav"
        subprocess.run(["espeak-ng", "-v", voice, "-s", str(words_a_minute), "-w", str(path), "--", text], check=True)
        samples, rate_hz = soundfile.read(path, dtype="float64")
    resampled: NDArray[np.float64] = soxr.resample(samples * 32768, rate_hz, RATE_HZ, quality="VHQ")
    return resampled


def trim(samples: NDArray[np.float64]) -> NDArray[np.float64]:
    """Cut silence off both ends, keep a short margin, and fade the cut."""
    block = RATE_HZ // 200
    blocks = samples[: len(samples) // block * block].reshape(-1, block)
    loud = np.flatnonzero(np.sqrt(np.mean(np.square(blocks), axis=1)) > rms_from_dbm0(TRIM_DBM0))
    margin = RATE_HZ * MARGIN_MS // 1000
    cut = samples[max(0, loud[0] * block - margin) : (loud[-1] + 1) * block + margin].copy()
    fade = np.linspace(0, 1, RATE_HZ * FADE_MS // 1000)
    cut[: len(fade)] *= fade
    cut[-len(fade) :] *= fade[::-1]
    return cut


def level(samples: NDArray[np.float64]) -> NDArray[np.int16]:
    """Bring to the level; an error when that would clip."""
    gain_db = LEVEL_DBM0 - active_speech_level_dbm0(samples, RATE_HZ)
    louder = samples * 10 ** (gain_db / 20)
    if np.abs(louder).max() > PEAK_LIMIT:
        raise ValueError(f"peak {np.abs(louder).max():.0f} is above {PEAK_LIMIT}")
    rounded: NDArray[np.int16] = np.rint(louder).astype(np.int16)
    return rounded


def render(prompt: Prompt, language: Language) -> None:
    """Write one file."""
    path = AUDIO / language / f"{prompt.id}.wav"
    path.parent.mkdir(parents=True, exist_ok=True)
    samples = level(trim(speak(prompt.texts[language], language)))
    soundfile.write(path, samples, RATE_HZ, subtype="PCM_16")
    print(f"{path.relative_to(AUDIO)}  {len(samples) / RATE_HZ:.2f} s  peak {np.abs(samples).max()}")


def write_json(name: str, value: Any) -> None:
    """Write one table beside the audio."""
    text = json.dumps(value, ensure_ascii=False, indent=2, sort_keys=True) + "\n"
    (AUDIO / name).write_text(text, encoding="utf-8")


def main(wanted: list[str]) -> None:
    """Render what is named (everything when nothing is), then write the tables anew."""
    for prompt in CATALOGUE.values():
        for language in Language:
            if not wanted or prompt.id in wanted:
                render(prompt, language)
    files = sorted(AUDIO.glob("*/*.wav"))
    write_json("hashes.json", {f"{p.parent.name}/{p.name}": hashlib.sha256(p.read_bytes()).hexdigest() for p in files})
    write_json("wording.json", {lang: {str(p.id): p.texts[lang] for p in CATALOGUE.values()} for lang in Language})
    print(f"{len(files)} files, {sum(p.stat().st_size for p in files) / 1e6:.2f} MB")


if __name__ == "__main__":
    main(sys.argv[1:])
