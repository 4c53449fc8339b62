"""Being somebody's phone: answering digest challenges, and registering a contact with a registrar elsewhere.

The carrier itself never does either; synthetic phones do, with the same user agent.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from typing import Final

from mediaserver.sip.core import Core
from mediaserver.sip.digest import authorize
from mediaserver.sip.errors import SipSyntaxError
from mediaserver.sip.events import RegistrationEnded
from mediaserver.sip.fields import parse_contacts
from mediaserver.sip.hops import Hop
from mediaserver.sip.message import Headers, Request, Response
from mediaserver.sip.transactions import ClientTransaction

MAX_TRIES: Final = 3
"""First without credentials, then with them, then once more for a stale nonce."""

_ANSWERS: Final = {401: ("www-authenticate", "authorization"), 407: ("proxy-authenticate", "proxy-authorization")}


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientCredentials:
    """Who we are to the registrar we are a phone of."""

    user: str
    password: str = field(repr=False)


def answer_challenge(
    core: Core, credentials: ClientCredentials | None, request: Request, response: Response
) -> tuple[str, str] | None:
    """Name and value of the field that answers a 401 or 407; None when there is nothing to answer, or no use in it."""
    names = _ANSWERS.get(response.status)
    if credentials is None or names is None:
        return None
    challenge, answer = names
    value = authorize(
        response.headers.get_all(challenge),
        method=request.method,
        uri=request.uri,
        user=credentials.user,
        password=credentials.password,
        cnonce=core.ids.token(64),
    )
    return None if value is None else (answer, value)


class Registration:
    """REGISTER requests of ours, one registrar at a time."""

    def __init__(self, core: Core, credentials: ClientCredentials | None) -> None:
        self._core = core
        self._credentials = credentials
        self._call_id = core.ids.token(128)
        self._cseq = 0

    def register(self, registrar: str, hop: Hop, number: str, expires_s: int, now: float) -> None:
        """Bind our contact on the hop's transport for so long; 0 removes it. RegistrationEnded follows."""
        self._send(registrar, hop, number, expires_s, tries=0, answer=None, now=now)

    def _send(
        self,
        registrar: str,
        hop: Hop,
        number: str,
        expires_s: int,
        *,
        tries: int,
        answer: tuple[str, str] | None,
        now: float,
    ) -> None:
        core = self._core
        self._cseq += 1
        scheme, _, host = registrar.partition(":")
        identity = f"<{scheme}:{number}@{host.partition(';')[0]}>"
        fields = Headers()
        fields.add("max-forwards", 70)
        fields.add("from", f"{identity};tag={core.ids.token(64)}")
        fields.add("to", identity)
        fields.add("call-id", self._call_id)
        fields.add("cseq", f"{self._cseq} REGISTER")
        fields.add("contact", core.contact(hop, number))
        fields.add("expires", expires_s)
        if answer is not None:
            fields.add(*answer)
        core.sign(fields)
        request = Request(method="REGISTER", uri=registrar, headers=fields)
        again = partial(self._replied, registrar, hop, number, expires_s, tries + 1)
        core.layer.send(request, hop, again, now)

    def _replied(
        self,
        registrar: str,
        hop: Hop,
        number: str,
        expires_s: int,
        tries: int,
        tx: ClientTransaction,
        response: Response,
        now: float,
    ) -> None:
        if response.status < 200:
            return
        answer = answer_challenge(self._core, self._credentials, tx.request, response)
        if answer is not None and tries < MAX_TRIES:
            self._send(registrar, hop, number, expires_s, tries=tries, answer=answer, now=now)
            return
        granted = _granted_s(response, expires_s) if response.status < 300 else 0
        self._core.tell(RegistrationEnded(status=response.status, reason=response.reason, expires_s=granted))


def _granted_s(response: Response, asked_s: int) -> int:
    """The shortest life the registrar granted to any of the contacts it lists."""
    try:
        contacts = parse_contacts(response.headers)
    except SipSyntaxError:
        return asked_s
    lives = [dict(contact.params).get("expires") for contact in contacts or ()]
    return min((int(life) for life in lives if life is not None and life.isdigit()), default=asked_s)
