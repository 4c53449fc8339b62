"""RTP and RTCP as values: packets, reports, unwrapping, key presses. Pure: no socket, no clock."""

from mediaserver.rtp.errors import RtpError
from mediaserver.rtp.event_receiver import EventReceiver, KeyPress, PressEnd
from mediaserver.rtp.event_sender import EventFrame, EventPacket, EventSender, press_frames
from mediaserver.rtp.ntp import middle_bits, ntp_of_unix_ns, round_trip_s, unix_ns_of_ntp
from mediaserver.rtp.packet import HeaderBatch, HeaderExtension, RtpPacket, is_rtcp, read_headers, write_headers
from mediaserver.rtp.rtcp import (
    Bye,
    ReceiverReport,
    ReportBlock,
    RtcpPacket,
    SenderReport,
    SourceDescription,
    named,
    parse_compound,
    print_compound,
)
from mediaserver.rtp.sequence import (
    SequenceUnwrapper,
    TimestampUnwrapper,
    difference,
    nearest,
    nearest_many,
    sequence_add,
    timestamp_add,
)
from mediaserver.rtp.statistics import Jitter, ReceptionStats
from mediaserver.rtp.telephone_event import TelephoneEvent, digit_of, event_of, parse_events

__all__ = [
    "Bye",
    "EventFrame",
    "EventPacket",
    "EventReceiver",
    "EventSender",
    "HeaderBatch",
    "HeaderExtension",
    "Jitter",
    "KeyPress",
    "PressEnd",
    "ReceiverReport",
    "ReceptionStats",
    "ReportBlock",
    "RtcpPacket",
    "RtpError",
    "RtpPacket",
    "SenderReport",
    "SequenceUnwrapper",
    "SourceDescription",
    "TelephoneEvent",
    "TimestampUnwrapper",
    "difference",
    "digit_of",
    "event_of",
    "is_rtcp",
    "middle_bits",
    "named",
    "nearest",
    "nearest_many",
    "ntp_of_unix_ns",
    "parse_compound",
    "parse_events",
    "press_frames",
    "print_compound",
    "read_headers",
    "round_trip_s",
    "sequence_add",
    "timestamp_add",
    "unix_ns_of_ntp",
    "write_headers",
]
