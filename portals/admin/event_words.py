"""The event log of a call in words a person understands; what is not known here is told as it is kept."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from callmodel.manifest import Party
from portals.admin.prompt_words import NAMES
from prompts import PromptId
from webkit.formats import decimal
from webkit.i18n import Translator, mark

ICONS: Final[Mapping[str, str]] = {
    "call": "phone",
    "leg": "flow",
    "recording": "record",
    "prompt": "prompts",
    "voicemail": "voicemail",
    "digits": "keypad",
}


class EventWords:
    """Of one call, whose parties have names."""

    def __init__(self, t: Translator, *, caller: Party, callee: Party) -> None:
        self._t = t
        self._names = {"a": caller.label or caller.number, "b": callee.label or callee.number}
        self._users = {party.number: party.label for party in (caller, callee) if party.label}
        self._tellers: dict[str, Callable[[Mapping[str, Any]], str]] = {
            "call.invited": self._invited,
            "call.answered": lambda _: t("The call was answered."),
            "call.to-voicemail": lambda _: t("Nobody answered: the mailbox takes the call."),
            "call.answer-unusable": lambda d: t("The answer could not be used: %(why)s.", why=_of(d, "error")),
            "call.early-media-unusable": lambda d: t("Early audio could not be used: %(why)s.", why=_of(d, "error")),
            "call.ended": lambda d: t("The call was over: %(why)s.", why=self.cause(_of(d, "cause"))),
            "leg.first-packet": lambda d: t("The first audio of %(who)s arrived.", who=self._who(d)),
            "leg.address-learned": self._learned,
            "leg.held": lambda d: t("%(who)s put the call on hold.", who=self._who(d)),
            "leg.resumed": lambda d: t("%(who)s took the call off hold.", who=self._who(d)),
            "leg.rejected": lambda d: t("A phone declined with %(status)s.", status=_of(d, "status")),
            "leg.codec-changed": self._codec,
            "leg.statistics": self._statistics,
            "digits.passed": lambda d: t.many(
                "%(num)s key of %(who)s was passed on.",
                "%(num)s keys of %(who)s were passed on.",
                _count(d, "count"),
                who=self._who(d),
            ),
            "recording.opened": self._opened,
            "recording.steered": self._steered,
            "recording.refused": self._refused,
            "recording.sealed": lambda d: t(
                "The recording was closed: %(seconds)s s.", seconds=self._number(d, "duration_ms", 1000, 1)
            ),
            "recording.destroyed": lambda _: t("Nobody asked to keep the recording: every byte of it was removed."),
            "recording.failed": lambda d: t("The recording failed: %(why)s.", why=_of(d, "reason")),
            "prompt.played": self._played,
            "voicemail.finished": lambda d: t("The message was over: %(why)s.", why=self._message_end(d)),
        }

    def text(self, kind: str, data: Mapping[str, Any]) -> str:
        """One event as a sentence."""
        teller = self._tellers.get(kind)
        return teller(data) if teller is not None else kind

    @staticmethod
    def icon(kind: str) -> str:
        """For its line."""
        return ICONS.get(kind.partition(".")[0], "info")

    def cause(self, cause: str) -> str:
        """Why a call ended."""
        t = self._t
        role, _, rest = cause.partition("-")
        legs = {
            "bye": mark("%(who)s hung up"),
            "no-ack": mark("the phone of %(who)s never confirmed the answer"),
            "session-expired": mark("the phone of %(who)s no longer refreshed the session"),
            "transport": mark("the connection to the phone of %(who)s was lost"),
            "dialog-gone": mark("the phone of %(who)s no longer knew the call"),
        }
        if role in self._names and rest in legs:
            return t(legs[rest], who=self._names[role])
        known = {
            "a-cancel": t("the caller gave up"),
            "operator": t("an administrator ended it"),
            "unanswered": t("nobody answered"),
            "unreachable": t("the callee could not be reached"),
            "unknown-number": t("nobody has this number"),
            "service-busy": t("the number called is always busy"),
            "no-answer-in-ack": t("the phone gave no answer to the offer it had asked for"),
            "no-common-codec": t("the phones have no codec in common"),
            "media-timeout": t("no audio arrived any more"),
            "recording-failed": t("it could not be recorded"),
            "voicemail-done": t("the message was left"),
            "code-done": t("the code was carried out"),
            "worker-lost": t("the process that handled its audio was lost"),
            "drain": t("the server was stopped"),
        }
        return known.get(cause, cause)

    def _who(self, data: Mapping[str, Any]) -> str:
        return self._names.get(_of(data, "leg"), self._t("a phone"))

    def _user(self, data: Mapping[str, Any]) -> str:
        number = _of(data, "user")
        return self._users.get(number, number)

    def _command(self, data: Mapping[str, Any]) -> str:
        t, command = self._t, _of(data, "command")
        known = {"start": t("start"), "stop": t("stop"), "pause": t("pause"), "resume": t("resume")}
        return known.get(command, command)

    def _invited(self, data: Mapping[str, Any]) -> str:
        return self._t("%(caller)s calls %(called)s.", caller=self._names["a"], called=_of(data, "called"))

    def _learned(self, data: Mapping[str, Any]) -> str:
        return self._t(
            "The audio of %(who)s comes from %(learned)s, not from %(offered)s as announced: it is sent there, too.",
            who=self._who(data),
            learned=_of(data, "learned"),
            offered=_of(data, "offered"),
        )

    def _codec(self, data: Mapping[str, Any]) -> str:
        before, after = _of(data, "before"), _of(data, "after")
        return self._t(
            "%(who)s changed the codec: %(before)s to %(after)s.", who=self._who(data), before=before, after=after
        )

    def _statistics(self, data: Mapping[str, Any]) -> str:
        return self._t(
            "Audio of %(who)s: %(received)s packets received, %(lost)s lost, jitter %(jitter)s ms; %(sent)s sent.",
            who=self._who(data),
            received=_of(data, "received"),
            lost=_of(data, "lost"),
            jitter=self._number(data, "jitter_ms", 1, 2),
            sent=_of(data, "sent"),
        )

    def _opened(self, data: Mapping[str, Any]) -> str:
        user = self._user(data)
        if _of(data, "kept") == "true":
            return self._t("The recording of %(user)s began.", user=user)
        return self._t("The recording of %(user)s began; it is kept only when the user asks for it.", user=user)

    def _steered(self, data: Mapping[str, Any]) -> str:
        t, user = self._t, self._user(data)
        done = {
            "start": t("%(user)s started the recording (%(channel)s).", user=user, channel=self._channel(data)),
            "stop": t("%(user)s stopped the recording (%(channel)s).", user=user, channel=self._channel(data)),
            "pause": t("%(user)s paused the recording (%(channel)s).", user=user, channel=self._channel(data)),
            "resume": t("%(user)s resumed the recording (%(channel)s).", user=user, channel=self._channel(data)),
        }
        return done.get(_of(data, "command"), _of(data, "command"))

    def _refused(self, data: Mapping[str, Any]) -> str:
        return self._t(
            "%(user)s asked for “%(command)s” (%(channel)s), which the mode or the moment does not allow.",
            user=self._user(data),
            command=self._command(data),
            channel=self._channel(data),
        )

    def _channel(self, data: Mapping[str, Any]) -> str:
        t, channel, code = self._t, _of(data, "channel"), _of(data, "code")
        known = {
            "rfc4733": t("keys %(code)s", code=code),
            "sip-info-dtmf": t("keys %(code)s by SIP INFO", code=code),
            "in-band": t("tones of the keys %(code)s", code=code),
            "called-code": t("called %(code)s", code=code),
            "sip-info-record": t("the phone’s record button"),
            "recordpref": t("the phone’s wish in SIP"),
            "rest": t("the API"),
            "page": t("this portal"),
        }
        return known.get(channel, channel)

    def _played(self, data: Mapping[str, Any]) -> str:
        who = ", ".join(self._names.get(role, role) for role in _of(data, "heard_by").split(",") if role)
        prompt = _of(data, "prompt")
        name = self._t(NAMES[PromptId(prompt)]) if prompt in NAMES else prompt
        return self._t("Announcement “%(prompt)s” to %(who)s.", prompt=name, who=who)

    def _number(self, data: Mapping[str, Any], name: str, parts: int, places: int) -> str:
        """A number divided by ``parts``, as the language writes it; what is no number stays as it is."""
        text = _of(data, name)
        try:
            return decimal(float(text) / parts, self._t.locale, places)
        except ValueError:
            return text

    def _message_end(self, data: Mapping[str, Any]) -> str:
        t, cause = self._t, _of(data, "cause")
        known = {
            "hang-up": t("the caller hung up"),
            "hash": t("the caller pressed #"),
            "silence": t("the caller was silent"),
            "limit": t("it had the greatest length"),
        }
        return known.get(cause, cause)


def _of(data: Mapping[str, Any], name: str) -> str:
    return str(data.get(name, ""))


def _count(data: Mapping[str, Any], name: str) -> int:
    text = _of(data, name)
    return int(text) if text.isascii() and text.isdigit() else 0
