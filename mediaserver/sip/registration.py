"""Who may speak: digest challenges, and REGISTER (RFC 3261 10.3, 22)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from mediaserver.sip.core import Core
from mediaserver.sip.digest import Challenger, HashOf, Outcome
from mediaserver.sip.errors import SipSyntaxError
from mediaserver.sip.events import Registered
from mediaserver.sip.identity import identity_of
from mediaserver.sip.reasons import syntax_phrase
from mediaserver.sip.registrar import Registrar
from mediaserver.sip.throttle import Throttle
from mediaserver.sip.transactions import ServerTransaction


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Who a request comes from, as far as it was proven."""

    user: str | None
    """Authenticated subscriber; None for a trusted peer."""
    number: str
    label: str
    private: bool
    """Not to be shown to the called party."""


class Gate:
    """Challenges, judges credentials, keeps the registrar."""

    def __init__(
        self,
        core: Core,
        *,
        challenger: Challenger,
        registrar: Registrar,
        hash_of: HashOf,
        is_local_user: Callable[[str], bool],
    ) -> None:
        self._core = core
        self._challenger = challenger
        self._registrar = registrar
        self._hash_of = hash_of
        self._is_local_user = is_local_user
        self._throttle = Throttle()

    def identify(self, tx: ServerTransaction, now: float) -> Caller | None:
        """Who sent this; None when the request was answered with a challenge or refused."""
        trusted = self._core.config.trusts(tx.source.host)
        said = identity_of(tx.request.headers, asserted=trusted)
        claims_local = self._is_local_user(said.number)
        if trusted and not claims_local:
            return Caller(user=None, number=said.number, label=said.label, private=said.private)
        user = self._authenticated(tx, now)
        if user is None:
            return None
        if claims_local and said.number != user:
            self._core.answer(tx, 403, now)
            return None
        return Caller(user=user, number=user, label=said.label, private=said.private)

    def _authenticated(self, tx: ServerTransaction, now: float) -> str | None:
        """The user whose credentials the request carries; None after a challenge or a refusal."""
        headers = tx.request.headers
        values = headers.get_all("authorization")
        try:
            verdict = self._challenger.verify(values, method=tx.request.method, ha1_of=self._hash_of, now=now)
        except SipSyntaxError as error:
            self._core.answer_once(tx, error.status_hint, now, reason=syntax_phrase(error))
            return None
        user = verdict.user or ""
        if verdict.outcome is not Outcome.NONE and self._must_wait(tx, user, now):
            return None
        if verdict.outcome is Outcome.GRANTED:
            self._throttle.right(tx.source.host, user)
            return verdict.user
        if verdict.outcome is Outcome.DENIED:
            self._throttle.wrong(tx.source.host, user, now)
            self._core.answer_once(tx, 403, now)
            return None
        stale = verdict.outcome is Outcome.STALE
        challenges = self._challenger.challenges(self._core.ids, now, user_agent=headers.get("user-agent"), stale=stale)
        self._core.answer_once(tx, 401, now, *(("www-authenticate", value) for value in challenges))
        return None

    def _must_wait(self, tx: ServerTransaction, user: str, now: float) -> bool:
        """Refuse somebody who guesses, whether this guess is right or not."""
        wait_s = self._throttle.wait_s(tx.source.host, user, now)
        if wait_s:
            self._core.discard("guessing", tx.source)
            self._core.answer_once(tx, 503, now, ("retry-after", wait_s))
        return wait_s > 0

    # --- the registrar --------------------------------------------------------------------

    def register(self, tx: ServerTransaction, now: float) -> None:
        """A REGISTER that passed every other check."""
        user = self._authenticated(tx, now)
        if user is None:
            return
        answer = self._registrar.handle(tx.request, user, tx.source, now)
        response = self._core.response(tx, answer.status, answer.reason or None)
        for name, value in answer.headers:
            response.headers.add(name, value)
        self._core.layer.respond(tx, response, now)
        if answer.changed:
            self._tell(user, now)
        self.watch()

    def connection_closed(self, connection: int, now: float) -> None:
        """Bindings of a stream are gone with it."""
        for user in self._registrar.drop_connection(connection):
            self._tell(user, now)
        self.watch()

    def expire(self, now: float) -> None:
        """Some bindings have run out."""
        for user in self._registrar.expire(now):
            self._tell(user, now)
        self.watch()

    def watch(self) -> None:
        """Set the alarm of the next binding to run out."""
        due = self._registrar.next_expiry()
        if due is None:
            self._core.alarms.cancel((self, "expiry"))
        else:
            self._core.alarms.arm((self, "expiry"), due)

    def _tell(self, user: str, now: float) -> None:
        contacts = tuple(binding.request_uri for binding in self._registrar.bindings(user, now))
        self._core.tell(Registered(user=user, contacts=contacts))
