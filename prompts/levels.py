"""How loud speech is: the level while somebody speaks, pauses left out.

After ITU-T P.56: a frame counts as speech when it is less than 15.9 dB below the active level, and the active level is
that of the frames that count. Found by repetition: the threshold rises with the level until neither moves.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from callmodel.levels import SILENCE_DBM0, dbm0_from_rms

MARGIN_DB: Final = 15.9
FRAME_MS: Final = 20

LEVEL_DBM0: Final = -20.0
"""Active speech level announcements are brought to."""
PEAK_LIMIT: Final = 30000
"""No sample of them is above it: 0.75 dB below the largest there is."""


def active_speech_level_dbm0(samples: NDArray[Any], rate_hz: int) -> float:
    """Active speech level of one channel of 16 bit samples (any dtype); silence is ``SILENCE_DBM0``."""
    length = rate_hz * FRAME_MS // 1000
    whole = len(samples) // length * length
    frames = np.asarray(samples[:whole], np.float64).reshape(-1, length)
    powers = np.mean(np.square(frames), axis=1)
    active = powers[powers > 0]
    if not len(active):
        return SILENCE_DBM0
    while True:
        kept = active[active > np.mean(active) / 10 ** (MARGIN_DB / 10)]
        if len(kept) == len(active):
            return dbm0_from_rms(float(np.sqrt(np.mean(active))))
        active = kept
