"""Digest authentication, both sides (RFC 3261 22, RFC 7616, RFC 8760). Pure: chance and time are arguments.

The server keeps no nonce it has given out: a nonce carries its own time and a seal. It remembers only
the counts of nonces that were used, in a table of bounded size. Realm, nonce and the digest's own ``uri``
are hashed as they came; that ``uri`` is not compared with the Request-URI, as several phones fill it otherwise.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from mediaserver.sip.errors import SipSyntaxError
from mediaserver.sip.fields import TCHARS, quoted, unquoted
from mediaserver.sip.ids import Ids
from mediaserver.sip.nonces import NonceBook

_SCHEME: Final = re.compile(r"[ \t]*+digest[ \t]++", re.ASCII | re.IGNORECASE)
_PAIR: Final = re.compile(
    rf'({TCHARS})[ \t]*+=[ \t]*+("(?:[^"\\]++|\\.)*+"|[^\s",]++)[ \t]*+(,[ \t,]*+|$)', re.ASCII | re.DOTALL
)
_COUNT: Final = re.compile(r"[0-9a-fA-F]{8}", re.ASCII)
MAX_CREDENTIALS: Final = 4
"""Authorization fields of one request that are looked at; each costs three hashes."""


class Algorithm(StrEnum):
    """Digest algorithms, by their names on the wire."""

    MD5 = "MD5"
    SHA_256 = "SHA-256"


READS_SHA256: Final = re.compile(r"\b(?:callbench\b|PJSUA v2\.(?:1[5-9]|[2-9][0-9]))", re.IGNORECASE)
"""User-Agent values of phones seen to cope with several challenges in one response (RFC 8760). Others may give up
when any algorithm but MD5 is among them (baresip 1.0 and SIPp 3.6 do), so they see MD5 alone until they are named."""

HashOf = Callable[[str, Algorithm], str | None]
"""Looks up a user's HA1 (lower-case hexadecimal, see ``compute_ha1``); None for a user who is not there."""


class Outcome(StrEnum):
    """What credentials are worth."""

    GRANTED = "granted"
    NONE = "none"
    """Nothing for our realm and algorithms: challenge."""
    STALE = "stale"
    """The password is right, the nonce is not (any more): challenge with stale=true."""
    DENIED = "denied"
    """Wrong password or unknown user; the two look alike."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """Outcome for one request."""

    outcome: Outcome
    user: str | None = None
    """User name given; proven only when GRANTED."""
    algorithm: Algorithm | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Challenge:
    """One WWW-Authenticate or Proxy-Authenticate value of the Digest scheme."""

    realm: str
    """Content of the quoted string, backslashes kept: it is hashed as it came."""
    nonce: str
    algorithm: Algorithm
    qop: bool
    """``auth`` is among the offered protections; without it the form of RFC 2069 is used."""
    opaque: str | None = None
    stale: bool = False

    def __str__(self) -> str:
        parts = [f'realm="{self.realm}"', f'nonce="{self.nonce}"', f"algorithm={self.algorithm}"]
        parts += ['qop="auth"'] if self.qop else []
        parts += [f'opaque="{self.opaque}"'] if self.opaque is not None else []
        parts += ["stale=true"] if self.stale else []
        return "Digest " + ", ".join(parts)


class Challenger:
    """Issues challenges for one realm and judges what comes back."""

    __slots__ = ("_algorithms", "_dummy", "_nonces", "_reads_all", "_realm")

    def __init__(
        self,
        *,
        realm: str,
        secret: bytes,
        algorithms: Sequence[Algorithm] = (Algorithm.SHA_256, Algorithm.MD5),
        reads_all: re.Pattern[str] | None = READS_SHA256,
        nonce_life_s: float = 300.0,
        max_nonces: int = 20_000,
    ) -> None:
        """``secret`` seals nonces: at least 16 octets of chance, new for every process.

        ``algorithms`` are challenged in this order (most wanted first). A phone whose User-Agent
        does not match ``reads_all`` is offered MD5 alone, if MD5 is among them; None offers all to everyone.
        """
        if len(secret) < 16 or not algorithms:
            raise ValueError("a secret of 16 octets and an algorithm are needed")
        self._realm = quoted(realm)[1:-1]
        self._algorithms = tuple(algorithms)
        self._reads_all = reads_all
        self._nonces = NonceBook(secret=secret, realm=realm, life_s=nonce_life_s, capacity=max_nonces)
        # Stands in for the HA1 of unknown users, so that they cost the same and never match.
        self._dummy = hmac.new(secret, b"nobody", hashlib.sha256).hexdigest()

    def challenges(
        self, ids: Ids, now: float, *, user_agent: str | None = None, stale: bool = False
    ) -> tuple[str, ...]:
        """Values for one WWW-Authenticate (or Proxy-Authenticate) field each, in order."""
        nonce = self._nonces.issue(ids.token(64), now)
        return tuple(
            str(Challenge(realm=self._realm, nonce=nonce, algorithm=algorithm, qop=True, stale=stale))
            for algorithm in self._offered(user_agent)
        )

    def verify(self, values: Sequence[str], *, method: str, ha1_of: HashOf, now: float) -> Verdict:
        """Judge the Authorization (or Proxy-Authorization) values of a request.

        The best outcome of all credentials counts. Raises SipSyntaxError for Digest credentials that
        break their grammar; other schemes are as good as nothing.
        """
        verdicts = [
            verdict
            for value in values[:MAX_CREDENTIALS]
            if (verdict := self._judge(value, method, ha1_of, now)) is not None
        ]
        for outcome in (Outcome.GRANTED, Outcome.STALE, Outcome.DENIED):
            for verdict in verdicts:
                if verdict.outcome is outcome:
                    return verdict
        return Verdict(outcome=Outcome.NONE)

    def _offered(self, user_agent: str | None) -> tuple[Algorithm, ...]:
        reads_all = self._reads_all is None or (user_agent is not None and self._reads_all.search(user_agent))
        return self._algorithms if reads_all or Algorithm.MD5 not in self._algorithms else (Algorithm.MD5,)

    def _judge(self, value: str, method: str, ha1_of: HashOf, now: float) -> Verdict | None:
        """Verdict for one value; None when it is not for us."""
        pairs = parse_digest(value, "authorization")
        if pairs is None or pairs.get("realm") != self._realm:
            return None
        algorithm = _algorithm(pairs.get("algorithm"))
        if algorithm not in self._algorithms:
            return None
        if any(name not in pairs for name in ("username", "nonce", "uri", "response")):
            raise SipSyntaxError("authorization", "username, nonce, uri or response is missing")
        count = _nonce_count(pairs)
        user = unquoted(f'"{pairs["username"]}"')
        known = ha1_of(user, algorithm)
        expected = compute_response(known or self._dummy, pairs, method, algorithm)
        right = hmac.compare_digest(_octets(expected), _octets(pairs["response"].lower()))
        if known is None or not right:
            return Verdict(outcome=Outcome.DENIED, user=user, algorithm=algorithm)
        fresh = self._nonces.use(pairs["nonce"], count, now)
        return Verdict(outcome=Outcome.GRANTED if fresh else Outcome.STALE, user=user, algorithm=algorithm)


def compute_ha1(user: str, realm: str, password: str, algorithm: Algorithm) -> str:
    """H(user:realm:password) in lower-case hexadecimal: what a database keeps instead of the password."""
    return _hash(algorithm, f"{user}:{realm}:{password}")


def compute_response(ha1: str, pairs: dict[str, str], method: str, algorithm: Algorithm) -> str:
    """The ``response`` that belongs to credentials, with qop=auth or in the form of RFC 2069 (RFC 7616 3.4.1)."""
    ha2 = _hash(algorithm, f"{method}:{pairs['uri']}")
    if "qop" not in pairs:
        return _hash(algorithm, f"{ha1}:{pairs['nonce']}:{ha2}")
    return _hash(algorithm, f"{ha1}:{pairs['nonce']}:{pairs['nc']}:{pairs['cnonce']}:{pairs['qop']}:{ha2}")


def parse_digest(value: str, field: str) -> dict[str, str] | None:
    """Pairs of a Digest challenge or of credentials, names in lower case, quotes gone, backslashes kept.

    None for another scheme.
    """
    scheme = _SCHEME.match(value)
    if scheme is None:
        return None
    pairs: dict[str, str] = {}
    at = scheme.end()
    while at < len(value):
        match = _PAIR.match(value, at)
        if match is None or match[1].lower() in pairs:
            raise SipSyntaxError(field, "broken digest parameters")
        pairs[match[1].lower()] = match[2][1:-1] if match[2].startswith('"') else match[2]
        at = match.end()
    return pairs


def parse_challenge(value: str) -> Challenge | None:
    """One challenge; None when its scheme, algorithm or protection is not one of ours."""
    pairs = parse_digest(value, "www-authenticate")
    if pairs is None:
        return None
    algorithm = _algorithm(pairs.get("algorithm"))
    qop = pairs.get("qop")
    offered = [] if qop is None else [word.strip(" \t").lower() for word in qop.split(",")]
    if algorithm is None or (qop is not None and "auth" not in offered):
        return None
    if "realm" not in pairs or "nonce" not in pairs:
        raise SipSyntaxError("www-authenticate", "realm or nonce is missing")
    return Challenge(
        realm=pairs["realm"],
        nonce=pairs["nonce"],
        algorithm=algorithm,
        qop=qop is not None,
        opaque=pairs.get("opaque"),
        stale=pairs.get("stale", "").lower() == "true",
    )


def authorize(
    challenges: Sequence[str], *, method: str, uri: str, user: str, password: str, cnonce: str, nc: int = 1
) -> str | None:
    """Value of the Authorization field that answers the first challenge we can read; None when there is none.

    ``cnonce`` is chance of the caller's; ``nc`` counts the requests sent with this nonce, from 1.
    """
    readable = (parse_challenge(value) for value in challenges)
    challenge = next((found for found in readable if found is not None), None)
    if challenge is None:
        return None
    ha1 = compute_ha1(user, challenge.realm, password, challenge.algorithm)
    pairs = {"nonce": challenge.nonce, "uri": uri}
    if challenge.qop:
        pairs |= {"qop": "auth", "nc": f"{nc:08x}", "cnonce": cnonce}
    response = compute_response(ha1, pairs, method, challenge.algorithm)
    parts = [f"username={quoted(user)}", f'realm="{challenge.realm}"', f'nonce="{challenge.nonce}"', f'uri="{uri}"']
    parts += [f'response="{response}"', f"algorithm={challenge.algorithm}"]
    if challenge.qop:
        parts += ["qop=auth", f"nc={nc:08x}", f'cnonce="{cnonce}"']
    parts += [f'opaque="{challenge.opaque}"'] if challenge.opaque is not None else []
    return "Digest " + ", ".join(parts)


def _algorithm(name: str | None) -> Algorithm | None:
    """The algorithm named; MD5 when none is (RFC 7616 3.3); None for one that is not ours."""
    if name is None:
        return Algorithm.MD5
    return next((algorithm for algorithm in Algorithm if algorithm.lower() == name.lower()), None)


def _nonce_count(pairs: dict[str, str]) -> int | None:
    """The nonce count; None without qop, where there is none."""
    qop = pairs.get("qop")
    if qop is None:
        return None
    if qop.lower() != "auth" or "cnonce" not in pairs or not _COUNT.fullmatch(pairs.get("nc", "")):
        raise SipSyntaxError("authorization", "qop is not auth, or nc or cnonce is missing")
    return int(pairs["nc"], 16)


def _hash(algorithm: Algorithm, text: str) -> str:
    octets = _octets(text)
    if algorithm is Algorithm.MD5:
        return hashlib.md5(octets, usedforsecurity=False).hexdigest()
    return hashlib.sha256(octets).hexdigest()


def _octets(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")
