"""Session timers (RFC 4028): what is agreed, and when to refresh or to give up. Pure functions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from mediaserver.sip.config import SessionTimerConfig, SessionTimerMode
from mediaserver.sip.errors import SipSyntaxError
from mediaserver.sip.fields import SessionExpires, parse_min_se, parse_session_expires, token_list
from mediaserver.sip.message import Headers, Response

_GRACE_S: Final = 32.0


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionTimer:
    """What two ends agreed on."""

    interval_s: int
    we_refresh: bool
    peer_supports: bool

    @property
    def refresh_after_s(self) -> float:
        """Half the interval (10)."""
        return self.interval_s / 2

    @property
    def give_up_after_s(self) -> float:
        """When the end that waits for refreshes hangs up (10); the refresher waits as long for its 2xx."""
        return self.interval_s - min(_GRACE_S, self.interval_s / 3)


def supports_timer(headers: Headers) -> bool:
    """The peer lists ``timer`` in Supported or Require."""
    try:
        options = (*token_list(headers, "supported"), *token_list(headers, "require"))
    except SipSyntaxError:
        return False
    return any(option.lower() == "timer" for option in options)


def too_small(config: SessionTimerConfig, headers: Headers) -> bool:
    """A request to be refused with 422 (9): below our minimum, and the sender understands the refusal."""
    asked = parse_session_expires(headers)
    if config.mode is SessionTimerMode.OFF or asked is None:
        return False
    return asked.interval_s < config.min_se_s and supports_timer(headers)


def answer_request(config: SessionTimerConfig, headers: Headers) -> SessionTimer | None:
    """What our 2xx to an INVITE or UPDATE of theirs agrees to (9, table 2); None: no timer."""
    asked = parse_session_expires(headers)
    if config.mode is SessionTimerMode.OFF or (asked is None and config.mode is SessionTimerMode.ANSWER):
        return None
    peer = supports_timer(headers)
    least = max(config.min_se_s, parse_min_se(headers) or 0)
    wanted = config.expires_s if asked is None else min(asked.interval_s, config.expires_s)
    refresher = asked.refresher if asked else None
    return SessionTimer(interval_s=max(wanted, least), we_refresh=not (peer and refresher == "uac"), peer_supports=peer)


def add_to_response(timer: SessionTimer | None, headers: Headers) -> None:
    """Write the agreement into our 2xx."""
    if timer is None:
        return
    refresher = "uas" if timer.we_refresh else "uac"
    headers.add("session-expires", str(SessionExpires(interval_s=timer.interval_s, refresher=refresher)))
    if timer.peer_supports:
        headers.add("require", "timer")


def add_to_request(config: SessionTimerConfig, current: SessionTimer | None, least_s: int, headers: Headers) -> None:
    """Ask for a timer in an INVITE, or for the current one again in a refresh (7.1, 7.4)."""
    if current is None and config.mode is not SessionTimerMode.ON:
        return
    interval = max(current.interval_s if current else config.expires_s, least_s, config.min_se_s)
    refresher = None if current is None else "uac" if current.we_refresh else "uas"
    headers.add("session-expires", str(SessionExpires(interval_s=interval, refresher=refresher)))
    headers.add("min-se", max(config.min_se_s, least_s))


def from_response(config: SessionTimerConfig, response: Response) -> SessionTimer | None:
    """What a 2xx to an INVITE or UPDATE of ours agrees to (7.2); None: the session does not expire."""
    if config.mode is SessionTimerMode.OFF:
        return None
    try:
        said = parse_session_expires(response.headers)
    except SipSyntaxError:
        return None
    if said is None or said.interval_s < 1:
        return None
    return SessionTimer(interval_s=said.interval_s, we_refresh=said.refresher != "uas", peer_supports=True)
