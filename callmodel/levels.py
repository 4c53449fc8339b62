"""What 0 dBm0 is on 16 bit samples: one definition for everything that makes or measures sound.

G.711 puts the largest sine a u-law coder takes at +3.17 dBm0; its peak, 8159 on 14 bits, is 32636 on 16. So 0 dBm0 is a
sine of peak 22657 and root mean square 16021. The digital milliwatt of G.711 table 5 decodes to 16016 (u-law) and 16139
(A-law): within 0.07 dB.
"""

from __future__ import annotations

import math
from typing import Final

FULL_SCALE_SINE_DBM0: Final = 3.17
FULL_SCALE_SINE_PEAK: Final = 32636.0

RMS_0_DBM0: Final = FULL_SCALE_SINE_PEAK / math.sqrt(2) / 10 ** (FULL_SCALE_SINE_DBM0 / 20)
"""Root mean square of 16 bit samples at 0 dBm0, about 16021."""

SILENCE_DBM0: Final = -99.0
"""What digital silence is called: no level is below it."""


def dbm0_from_rms(rms: float) -> float:
    """Level of 16 bit samples with this root mean square."""
    if rms <= 0:
        return SILENCE_DBM0
    return max(SILENCE_DBM0, 20 * math.log10(rms / RMS_0_DBM0))


def rms_from_dbm0(level_dbm0: float) -> float:
    """Root mean square of 16 bit samples at this level."""
    return RMS_0_DBM0 * float(10 ** (level_dbm0 / 20))


def sine_peak_from_dbm0(level_dbm0: float) -> float:
    """Peak of a sine at this level, in 16 bit samples."""
    return rms_from_dbm0(level_dbm0) * math.sqrt(2)
