"""What a key press means: feature codes, the digit collector, and the recording table."""

from callmodel.codes import FeatureCode, FeatureCodes, FeatureCommand
from callmodel.modes import OnDemandAnnounce, OnDemandStop, RepeatedCode
from feature_codes.collector import CollectorOutput, Command, DigitCollector, Replay
from feature_codes.deduplicator import Deduplicator
from feature_codes.recording import (
    INITIAL_STATE,
    Cue,
    Effect,
    RecordingState,
    Step,
    TableOptions,
    advance,
)

__all__ = [
    "INITIAL_STATE",
    "CollectorOutput",
    "Command",
    "Cue",
    "Deduplicator",
    "DigitCollector",
    "Effect",
    "FeatureCode",
    "FeatureCodes",
    "FeatureCommand",
    "OnDemandAnnounce",
    "OnDemandStop",
    "RecordingState",
    "RepeatedCode",
    "Replay",
    "Step",
    "TableOptions",
    "advance",
]
