"""Every metric of ``/metrics``: its name, kind and meaning in one place; the values are read in ``product``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

from mediaserver.runtime.http import Reading


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricKind:
    """One metric; its values are told apart by the one label ``kind``."""

    name: str
    kind: Literal["gauge", "counter"]
    text: str
    label: str = ""
    """What the label holds; empty when there is one value only."""

    @property
    def exposed_name(self) -> str:
        """As a scraper sees it: counters end in ``_total``."""
        return f"{self.name}_total" if self.kind == "counter" else self.name

    def read(self, values: Mapping[str, float]) -> Reading:
        """One reading of it."""
        return self.name, self.kind, self.text, values


CALLS: Final = MetricKind(name="mediaserver_calls", kind="gauge", text="Calls that are live")
CALLS_STARTED: Final = MetricKind(name="mediaserver_calls_started", kind="counter", text="Calls that came in")
EVENTS: Final = MetricKind(
    name="mediaserver_events", kind="counter", text="Call events by kind", label="the event, such as `call.answered`"
)
SIP_DISCARDED: Final = MetricKind(
    name="mediaserver_sip_discarded", kind="counter", text="SIP messages dropped, by reason", label="the reason"
)
WORKER_LOAD: Final = MetricKind(
    name="mediaserver_worker_load",
    kind="gauge",
    text="Fraction of a core that a media worker uses",
    label="the worker's number",
)
UPLOADS: Final = MetricKind(
    name="mediaserver_uploads", kind="gauge", text="Deliveries by state", label="the state of the delivery"
)
UPLOAD_RESULTS: Final = MetricKind(
    name="mediaserver_upload_results",
    kind="counter",
    text="What deliveries came to, and bytes sent",
    label="`delivered`, `retried`, `parked`, `bytes` and so on",
)
WORKER_DROPS: Final = MetricKind(
    name="mediaserver_worker_drops",
    kind="counter",
    text="Copies of packets and blocks of recordings that a media worker could not take",
    label="the reason",
)
DISK_FREE: Final = MetricKind(
    name="mediaserver_disk_free_bytes", kind="gauge", text="Free space for recordings in bytes"
)

METRICS: Final = (
    CALLS,
    CALLS_STARTED,
    EVENTS,
    SIP_DISCARDED,
    WORKER_LOAD,
    UPLOADS,
    UPLOAD_RESULTS,
    WORKER_DROPS,
    DISK_FREE,
)
