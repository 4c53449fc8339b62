"""Recording modes, phases and the other closed lists of the platform; values are the wire's."""

from __future__ import annotations

from enum import StrEnum


class RecordingMode(StrEnum):
    """When a user's calls are recorded; values as BroadWorks and Webex write them."""

    NEVER = "Never"
    ALWAYS = "Always"
    ALWAYS_PAUSE_RESUME = "Always with Pause/Resume"
    ON_DEMAND = "On Demand"
    ON_DEMAND_USER_START = "On Demand with User Initiated Start"


class Phase(StrEnum):
    """Where one user's recording stands in one call."""

    READY = "ready"
    PROVISIONAL = "provisional"
    RECORDING = "recording"
    PAUSED = "paused"
    CLOSED = "closed"


class NotificationType(StrEnum):
    """How a user is told that a pause or resume took effect."""

    NONE = "None"
    BEEP = "Beep"
    ANNOUNCEMENT = "Play Announcement"


class Language(StrEnum):
    """Languages that prompts and pages exist in."""

    EN = "en"
    FR = "fr"


class SteeringChannel(StrEnum):
    """By which way a user (or a program) steered a recording; in every event log entry."""

    RFC4733 = "rfc4733"
    SIP_INFO_DTMF = "sip-info-dtmf"
    IN_BAND = "in-band"
    CALLED_CODE = "called-code"
    SIP_INFO_RECORD = "sip-info-record"
    RECORDPREF = "recordpref"
    REST = "rest"
    PAGE = "page"


class RecordingType(StrEnum):
    """Dubber's ``recording_type``."""

    RECORDING = "recording"
    VOICEMAIL = "voicemail"


class CallType(StrEnum):
    """Dubber's ``call_type``, seen from the recorded user."""

    INBOUND = "inbound"
    OUTBOUND = "outbound"


class RecordingResult(StrEnum):
    """How a recording ended, as the platform's call detail record has it."""

    SUCCESSFUL = "successful"
    FAILED = "failed"
    NOT_KEPT = "successful but not kept"


class FailureBehavior(StrEnum):
    """What becomes of a call that cannot be recorded (Webex ``failureBehavior``)."""

    PROCEED_SILENTLY = "PROCEED_WITH_CALL_NO_ANNOUNCEMENT"
    PROCEED_ANNOUNCED = "PROCEED_CALL_WITH_ANNOUNCEMENT"
    END_ANNOUNCED = "END_CALL_WITH_ANNOUNCEMENT"


class OnDemandStop(StrEnum):
    """What ``*45`` does in On Demand: the setting ``on_demand_stop``."""

    REFUSE = "refuse"
    STOP = "stop"


class OnDemandAnnounce(StrEnum):
    """When On Demand announces itself: the setting ``on_demand_announce``."""

    KEEP = "keep"
    """When START makes the recording kept."""
    ANSWER = "answer"
    """At answer, although the call may not be kept."""


class RepeatedCode(StrEnum):
    """What a user hears who asks for what is already so: the setting ``repeated_code``."""

    NOTICE = "notice"
    SILENT = "silent"


class TonePreset(StrEnum):
    """Countries whose recorder tone the reminder may be: the setting ``tone_preset``."""

    US = "us"
    FR = "fr"
    UK = "uk"
    DE = "de"
    CH = "ch"
    DK = "dk"
    BG = "bg"
    NZ = "nz"
