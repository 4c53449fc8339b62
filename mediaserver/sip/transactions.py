"""Live transactions: what one remembers between two steps of its table."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from mediaserver.sip.fields import Via
from mediaserver.sip.hops import Hop
from mediaserver.sip.message import Request, Response
from mediaserver.sip.tables import Input, Machine, State
from mediaserver.sip.timers import Timer

ClientKey = tuple[str, str]
"""Branch and CSeq method (RFC 3261 17.1.3)."""
ServerKey = tuple[str, ...]
"""Branch, sent-by and method; for RFC 2543 peers what 17.2.3 says instead. ACK counts as INVITE."""
MergeKey = tuple[str, str, str]
"""From tag, Call-ID, CSeq (8.2.2.2)."""

ResponseHandler = Callable[["ClientTransaction", Response, float], None]
"""Takes each response to a request of ours, and a made-up 408 or 503 for silence or a transport error."""


@dataclass(slots=True, eq=False, kw_only=True)
class ClientTransaction:
    """One request of ours on its way."""

    machine: Machine
    key: ClientKey
    request: Request
    data: bytes
    """``request`` as it goes over the wire."""
    hop: Hop
    handler: ResponseHandler
    state: State
    heard: Hop | None = None
    """Where the newest response came from."""
    intervals: dict[Timer, float] = field(default_factory=dict)
    failed: Input | None = None
    """Why the final response is made up: timer B or F, or a transport error."""
    acknowledgement: bytes = b""
    """Our ACK to a failure, once made."""


@dataclass(slots=True, eq=False, kw_only=True)
class ServerTransaction:
    """One request of theirs."""

    machine: Machine
    key: ServerKey
    merge_key: MergeKey | None
    """None inside a dialog, where requests cannot merge."""
    request: Request
    """Its top Via is stamped (RFC 3261 18.2.1)."""
    source: Hop
    reply_to: Hop
    state: State
    to_tag: str
    """Tag for our responses when the request brought none; else theirs."""
    intervals: dict[Timer, float] = field(default_factory=dict)
    response: bytes = b""
    """Newest response; empty before the first."""
    status: int = 0
    leg: int | None = None
    """The leg whose first INVITE this is."""


Transaction = ClientTransaction | ServerTransaction

MAGIC = "z9hG4bK"
"""Start of every RFC 3261 branch."""


def has_magic(branch: str | None) -> bool:
    """The branch follows RFC 3261: the cookie and something after it."""
    return branch is not None and len(branch) > len(MAGIC) and branch[: len(MAGIC)].lower() == MAGIC.lower()


def server_key(request: Request, via: Via, from_tag: str, cseq_number: int) -> ServerKey:
    """What tells one server transaction from another (17.2.3)."""
    method = "INVITE" if request.method == "ACK" else request.method
    branch = via.branch
    if branch is not None and has_magic(branch):
        return (branch, via.host.lower(), str(via.port or ""), method)
    call_id = request.headers.get("call-id") or ""
    return ("RFC 2543", str(via), request.uri, from_tag, call_id, str(cseq_number), method)
