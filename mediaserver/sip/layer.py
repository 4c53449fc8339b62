"""The transaction layer: finds the transaction of a message and carries out the steps of its table.

Reads no clock and sends nothing: ``put`` is called with each message for the wire. One TransactionUser
stands above it; a handler a client transaction takes the responses.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Protocol

from mediaserver.sip.alarms import Alarms
from mediaserver.sip.config import SipConfig
from mediaserver.sip.fields import Via, join_values, parse_cseq, parse_single, parse_vias, split_commas
from mediaserver.sip.hops import Hop, Outgoing
from mediaserver.sip.ids import Ids
from mediaserver.sip.message import Headers, Request, Response
from mediaserver.sip.reasons import reason_phrase
from mediaserver.sip.routing import reopened, reply_hop
from mediaserver.sip.tables import (
    INVITE_CLIENT,
    INVITE_SERVER,
    NON_INVITE_CLIENT,
    NON_INVITE_SERVER,
    TIMER_INPUT,
    Action,
    Input,
    State,
    Step,
)
from mediaserver.sip.timers import Timer
from mediaserver.sip.transactions import (
    MAGIC,
    ClientKey,
    ClientTransaction,
    MergeKey,
    ResponseHandler,
    ServerKey,
    ServerTransaction,
    Transaction,
    server_key,
)

_MADE_UP: Final = {Action.TELL_TIMEOUT: 408, Action.TELL_TRANSPORT: 503}


class TransactionUser(Protocol):
    """What stands above the layer."""

    def request_arrived(self, tx: ServerTransaction, now: float) -> None:
        """A new request; every one but ACK must be answered through ``TransactionLayer.respond``."""

    def merged_request_arrived(self, tx: ServerTransaction, now: float) -> None:
        """A request that came here before by another way (RFC 3261 8.2.2.2); to be answered with 482."""

    def ack_arrived(self, request: Request, source: Hop, now: float) -> None:
        """An ACK that belongs to a 2xx, or to nothing."""

    def server_failed(self, tx: ServerTransaction, event: Input, now: float) -> None:
        """No ACK came to our failure, or a response could not be sent."""

    def discarded(self, reason: str, source: Hop) -> None:
        """A message was dropped."""

    def overloaded(self, request: Request, source: Hop) -> None:
        """No room for another transaction."""

    def stray_2xx(self, response: Response, source: Hop, now: float) -> None:
        """A 2xx to an INVITE whose transaction is over."""


class TransactionLayer:
    """All transactions of one user agent."""

    def __init__(
        self,
        config: SipConfig,
        ids: Ids,
        user: TransactionUser,
        alarms: Alarms[tuple[object, str]],
        put: Callable[[Outgoing], None],
    ) -> None:
        self._config = config
        self._timers = config.timers
        self._ids = ids
        self._user = user
        self._alarms = alarms
        self._put = put
        self._clients: dict[ClientKey, ClientTransaction] = {}
        self._servers: dict[ServerKey, ServerTransaction] = {}
        self._merges: dict[MergeKey, ServerTransaction] = {}

    def __len__(self) -> int:
        """Live transactions of both kinds."""
        return len(self._clients) + len(self._servers)

    # --- requests of ours -----------------------------------------------------------------

    def send(self, request: Request, hop: Hop, handler: ResponseHandler, now: float) -> ClientTransaction:
        """Start a client transaction; a Via with a new branch goes on top of ``request``."""
        branch = MAGIC + self._ids.token(96)
        request.headers.items.insert(0, ("via", self._via(hop, branch)))
        return self._start_client(request, hop, branch, handler, now)

    def send_ack(self, request: Request, hop: Hop) -> bytes:
        """Send the ACK of a 2xx, which is no transaction; returns its bytes for repeating."""
        request.headers.items.insert(0, ("via", self._via(hop, MAGIC + self._ids.token(96))))
        data = bytes(request)
        self._put(Outgoing(data=data, hop=hop))
        return data

    def cancel(self, invite: ClientTransaction, reason: str, handler: ResponseHandler, now: float) -> None:
        """Send a CANCEL for an INVITE of ours (RFC 3261 9.1): the INVITE's branch, its own transaction."""
        headers = _echo(invite.request.headers, ("max-forwards", "from", "to", "call-id"))
        headers.items.insert(0, ("via", invite.request.headers.get("via") or ""))
        headers.extend("route", invite.request.headers.get_all("route"))
        headers.add("cseq", f"{parse_cseq(invite.request.headers).number} CANCEL")
        headers.extend("reason", [reason] if reason else [])
        request = Request(method="CANCEL", uri=invite.request.uri, headers=headers)
        self._start_client(request, invite.hop, invite.key[0], handler, now)

    def forget(self, tx: ServerTransaction) -> None:
        """Forget a server transaction: its response is sent no more, the same request would be a new one."""
        self._drop(tx)

    def abandon(self, tx: ClientTransaction) -> None:
        """Forget a client transaction whose peer has fallen silent (9.1)."""
        self._drop(tx)

    # --- responses of ours ----------------------------------------------------------------

    def respond(self, tx: ServerTransaction, response: Response, now: float) -> None:
        """Send a response; one that comes too late for the transaction's state is dropped (17.2.1)."""
        event = (
            Input.SEND_1XX if response.status < 200 else Input.SEND_2XX if response.status < 300 else Input.SEND_FAILURE
        )
        if tx.machine.step(tx.state, event) is None:
            return
        tx.response, tx.status = bytes(response), response.status
        self._apply(tx, event, now)

    def invite_of(self, cancel: ServerTransaction) -> ServerTransaction | None:
        """The INVITE a CANCEL points at (9.2)."""
        return self._servers.get((*cancel.key[:-1], "INVITE"))

    # --- what the network brings ----------------------------------------------------------

    def request_received(self, request: Request, source: Hop, now: float) -> None:
        """Take a checked request: repeat our response, or start a transaction, or pass an ACK up."""
        vias = parse_vias(request.headers)
        via = vias[0].stamped(source.host, source.port)
        _restamp(request.headers, via)
        from_ = parse_single(request.headers, "from")
        to = parse_single(request.headers, "to")
        cseq = parse_cseq(request.headers)
        key = server_key(request, vias[0], from_.tag or "", cseq.number)
        known = self._servers.get(key)
        if known is not None:
            self._again(known, request, source, now)
        elif request.method == "ACK":
            self._user.ack_arrived(request, source, now)
        elif len(self) >= self._config.limits.max_transactions:
            self._user.overloaded(request, source)
        else:
            call_id = request.headers.get("call-id") or ""
            merge_key = None if to.tag else (from_.tag or "", call_id, str(cseq))
            machine = INVITE_SERVER if request.method == "INVITE" else NON_INVITE_SERVER
            tx = ServerTransaction(
                machine=machine,
                key=key,
                merge_key=merge_key,
                request=request,
                source=source,
                reply_to=reply_hop(source, via),
                state=machine.first.to,
                to_tag=to.tag or self._ids.token(64),
            )
            self._start_server(tx, now)

    def response_received(self, response: Response, source: Hop, now: float) -> None:
        """Take a checked response: to the client transaction of its top Via and CSeq method, or nowhere."""
        vias, cseq = parse_vias(response.headers), parse_cseq(response.headers)
        tx = self._clients.get((vias[0].branch or "", cseq.method))
        if len(vias) > 1:
            self._user.discarded("response-not-ours", source)
        elif tx is not None:
            self._response(tx, response, source, now)
        elif cseq.method == "INVITE" and 200 <= response.status < 300:
            self._user.stray_2xx(response, source, now)
        else:
            self._user.discarded("response-without-transaction", source)

    def connection_closed(self, connection: int, now: float) -> None:
        """A stream is gone: requests on it have failed, responses must find another way."""
        for client in [tx for tx in self._clients.values() if tx.hop.connection == connection]:
            self._apply(client, Input.TRANSPORT_ERROR, now)
        for server in [tx for tx in self._servers.values() if tx.reply_to.connection == connection]:
            server.reply_to = reopened(server.reply_to, parse_vias(server.request.headers)[0])

    def transport_failed(self, hop: Hop, now: float) -> None:
        """Nothing can be sent to ``hop``."""
        for client in [tx for tx in self._clients.values() if tx.hop == hop]:
            self._apply(client, Input.TRANSPORT_ERROR, now)
        for server in [tx for tx in self._servers.values() if tx.reply_to == hop]:
            self._apply(server, Input.TRANSPORT_ERROR, now)

    def timer_fired(self, tx: Transaction, timer: Timer, now: float) -> None:
        """One of the timers this layer armed is due."""
        self._apply(tx, TIMER_INPUT[timer], now)

    # --- inside ---------------------------------------------------------------------------

    def _via(self, hop: Hop, branch: str) -> str:
        return f"SIP/2.0/{hop.transport} {self._config.local(hop)};branch={branch};rport"

    def _start_client(
        self, request: Request, hop: Hop, branch: str, handler: ResponseHandler, now: float
    ) -> ClientTransaction:
        machine = INVITE_CLIENT if request.method == "INVITE" else NON_INVITE_CLIENT
        tx = ClientTransaction(
            machine=machine,
            key=(branch, request.method),
            request=request,
            data=bytes(request),
            hop=hop,
            handler=handler,
            state=machine.first.to,
        )
        self._clients[tx.key] = tx
        self._carry_out(tx, machine.first, None, now)
        return tx

    def _start_server(self, tx: ServerTransaction, now: float) -> None:
        self._servers[tx.key] = tx
        if tx.merge_key is not None and self._merges.setdefault(tx.merge_key, tx) is not tx:
            tx.merge_key = None
            self._user.merged_request_arrived(tx, now)
        else:
            self._carry_out(tx, tx.machine.first, None, now)

    def _again(self, tx: ServerTransaction, request: Request, source: Hop, now: float) -> None:
        if request.method != "ACK":
            self._apply(tx, Input.GOT_REQUEST, now)
        elif tx.machine.step(tx.state, Input.GOT_ACK) is None:
            self._user.discarded("ack-too-early", source)
        elif tx.state is State.ACCEPTED:
            # An RFC 2543 branch, or one used again: the ACK of a 2xx belongs to the dialog (RFC 6026 7.1).
            self._user.ack_arrived(request, source, now)
        else:
            self._apply(tx, Input.GOT_ACK, now)

    def _response(self, tx: ClientTransaction, response: Response, source: Hop, now: float) -> None:
        event = (
            Input.GOT_1XX if response.status < 200 else Input.GOT_2XX if response.status < 300 else Input.GOT_FAILURE
        )
        step = tx.machine.step(tx.state, event)
        if step is None:
            self._user.discarded("response-repeated", source)
            return
        tx.state, tx.heard = step.to, source
        self._carry_out(tx, step, response, now)

    def _apply(self, tx: Transaction, event: Input, now: float) -> None:
        step = tx.machine.step(tx.state, event)
        if step is None:
            return
        tx.state = step.to
        if isinstance(tx, ClientTransaction) and {Action.TELL_TIMEOUT, Action.TELL_TRANSPORT} & set(step.do):
            tx.failed = event
        self._carry_out(tx, step, event, now)

    def _carry_out(self, tx: Transaction, step: Step, cause: Input | Response | None, now: float) -> None:
        for timer in step.stop:
            self._alarms.cancel((tx, timer))
        for timer in step.arm:
            self._arm(tx, timer, cause is TIMER_INPUT[timer], now)
        if step.to is State.TERMINATED:
            self._drop(tx)
        for action in step.do:
            if isinstance(tx, ClientTransaction):
                self._act_client(tx, action, cause, now)
            else:
                self._act_server(tx, action, cause, now)

    def _act_client(self, tx: ClientTransaction, action: Action, cause: Input | Response | None, now: float) -> None:
        if action is Action.SEND:
            self._put(Outgoing(data=tx.data, hop=tx.hop))
        elif action is Action.ACK:
            assert isinstance(cause, Response)
            if not tx.acknowledgement:
                tx.acknowledgement = bytes(_ack_of_failure(tx.request, cause))
            self._put(Outgoing(data=tx.acknowledgement, hop=tx.hop))
        elif isinstance(cause, Response):
            tx.handler(tx, cause, now)
        else:
            status = _MADE_UP[action]
            tx.handler(tx, Response(status=status, reason=reason_phrase(status)), now)

    def _act_server(self, tx: ServerTransaction, action: Action, cause: Input | Response | None, now: float) -> None:
        if action is Action.SEND:
            if tx.response:  # a repeated INVITE may come before our first response
                self._put(Outgoing(data=tx.response, hop=tx.reply_to))
        elif action is Action.DELIVER:
            self._user.request_arrived(tx, now)
        else:
            assert isinstance(cause, Input)
            self._user.server_failed(tx, cause, now)

    def _arm(self, tx: Transaction, timer: Timer, repeated: bool, now: float) -> None:
        reliable = (tx.hop if isinstance(tx, ClientTransaction) else tx.reply_to).transport.reliable
        if repeated:
            interval: float | None = self._timers.again(timer, tx.intervals[timer])
            if timer is Timer.E and tx.state is State.PROCEEDING:
                interval = self._timers.t2
        else:
            interval = self._timers.first(timer, reliable=reliable)
        if interval is not None:
            tx.intervals[timer] = interval
            self._alarms.arm((tx, timer), now + interval)

    def _drop(self, tx: Transaction) -> None:
        for timer in tx.intervals:
            self._alarms.cancel((tx, timer))
        if isinstance(tx, ClientTransaction):
            self._clients.pop(tx.key, None)
            return
        self._servers.pop(tx.key, None)
        if tx.merge_key is not None:
            self._merges.pop(tx.merge_key, None)


def _echo(source: Headers, names: tuple[str, ...]) -> Headers:
    headers = Headers()
    for name in names:
        headers.extend(name, source.get_all(name))
    return headers


def _ack_of_failure(invite: Request, response: Response) -> Request:
    """ACK to a 300-699, inside the INVITE's transaction (RFC 3261 17.1.1.3)."""
    headers = Headers()
    headers.add("via", invite.headers.get("via") or "")
    headers.extend("route", invite.headers.get_all("route"))
    headers.add("max-forwards", invite.headers.get("max-forwards") or "70")
    headers.add("from", invite.headers.get("from") or "")
    headers.add("to", response.headers.get("to") or "")
    headers.add("call-id", invite.headers.get("call-id") or "")
    headers.add("cseq", f"{parse_cseq(invite.headers).number} ACK")
    return Request(method="ACK", uri=invite.uri, headers=headers)


def _restamp(headers: Headers, top: Via) -> None:
    """Put the stamped top Via in place; the text of the others stays as it came."""
    at = next(number for number, (name, _) in enumerate(headers.items) if name == "via")
    headers.items[at] = ("via", join_values([top, *split_commas(headers.items[at][1])[1:]]))
