"""What each feature code does in each mode, in words: the recording table as people read it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from callmodel.codes import FeatureCommand
from callmodel.modes import OnDemandStop, RecordingMode
from catalog.service_settings import ServiceSettings
from webkit.i18n import mark

COMMANDS: Final = tuple(FeatureCommand)

TITLES: Final[Mapping[FeatureCommand, str]] = {
    FeatureCommand.START: mark("Start"),
    FeatureCommand.STOP: mark("Stop"),
    FeatureCommand.PAUSE: mark("Pause"),
    FeatureCommand.RESUME: mark("Resume"),
}

MEANINGS: Final[Mapping[FeatureCommand, str]] = {
    FeatureCommand.START: mark("Begins the recording, or keeps the one that has run since the answer."),
    FeatureCommand.STOP: mark("Ends the recording; the call goes on."),
    FeatureCommand.PAUSE: mark("What is said from now on is left out."),
    FeatureCommand.RESUME: mark("Goes on with the recording, in the same file."),
}

REFUSED: Final = mark("Refused")

_DEEDS: Final[Mapping[tuple[RecordingMode, FeatureCommand], str]] = {
    (RecordingMode.ALWAYS_PAUSE_RESUME, FeatureCommand.PAUSE): mark("Leaves out what follows"),
    (RecordingMode.ALWAYS_PAUSE_RESUME, FeatureCommand.RESUME): mark("Goes on, in the same recording"),
    (RecordingMode.ON_DEMAND, FeatureCommand.START): mark("Keeps the call from its answer on"),
    (RecordingMode.ON_DEMAND, FeatureCommand.PAUSE): mark("Leaves out what follows, before %(start)s too"),
    (RecordingMode.ON_DEMAND, FeatureCommand.RESUME): mark("Goes on, in the same recording"),
    (RecordingMode.ON_DEMAND_USER_START, FeatureCommand.START): mark("Begins a recording now"),
    (RecordingMode.ON_DEMAND_USER_START, FeatureCommand.STOP): mark("Ends it; %(start)s begins another"),
    (RecordingMode.ON_DEMAND_USER_START, FeatureCommand.PAUSE): mark("Leaves out what follows"),
    (RecordingMode.ON_DEMAND_USER_START, FeatureCommand.RESUME): mark("Goes on, in the same recording"),
}
_STOP_ON_DEMAND: Final = mark("Ends the recording for this call")


def deed(mode: RecordingMode, command: FeatureCommand, settings: ServiceSettings) -> str:
    """English text, to be translated with the main codes by command."""
    if (mode, command) == (RecordingMode.ON_DEMAND, FeatureCommand.STOP):
        return _STOP_ON_DEMAND if settings.on_demand_stop is OnDemandStop.STOP else REFUSED
    return _DEEDS.get((mode, command), REFUSED)
