"""Reason phrases (RFC 3261 21 and the extensions answered here)."""

from __future__ import annotations

import re
from typing import Final

from mediaserver.sip.errors import SipSyntaxError
from mediaserver.sip.fields import quoted

_PHRASES: Final = {
    100: "Trying",
    180: "Ringing",
    181: "Call Is Being Forwarded",
    182: "Queued",
    183: "Session Progress",
    200: "OK",
    202: "Accepted",
    300: "Multiple Choices",
    301: "Moved Permanently",
    302: "Moved Temporarily",
    305: "Use Proxy",
    380: "Alternative Service",
    400: "Bad Request",
    401: "Unauthorized",
    402: "Payment Required",
    403: "Forbidden",
    404: "Not Found",
    405: "Method Not Allowed",
    406: "Not Acceptable",
    407: "Proxy Authentication Required",
    408: "Request Timeout",
    410: "Gone",
    413: "Request Entity Too Large",
    414: "Request-URI Too Long",
    415: "Unsupported Media Type",
    416: "Unsupported URI Scheme",
    420: "Bad Extension",
    421: "Extension Required",
    422: "Session Interval Too Small",
    423: "Interval Too Brief",
    480: "Temporarily Unavailable",
    481: "Call/Transaction Does Not Exist",
    482: "Loop Detected",
    483: "Too Many Hops",
    484: "Address Incomplete",
    485: "Ambiguous",
    486: "Busy Here",
    487: "Request Terminated",
    488: "Not Acceptable Here",
    491: "Request Pending",
    493: "Undecipherable",
    500: "Server Internal Error",
    501: "Not Implemented",
    502: "Bad Gateway",
    503: "Service Unavailable",
    504: "Server Time-out",
    505: "Version Not Supported",
    513: "Message Too Large",
    600: "Busy Everywhere",
    603: "Decline",
    604: "Does Not Exist Anywhere",
    606: "Not Acceptable",
}
_NO_PHRASE: Final = re.compile(r"[^A-Za-z0-9;/?:@&=+$,\-_.!~*'() ]")
"""What a reason phrase has no place for."""
_CLASSES: Final = {1: "Progress", 2: "OK", 3: "Redirect", 4: "Client Error", 5: "Server Error", 6: "Global Failure"}


def syntax_phrase(error: SipSyntaxError) -> str:
    """The phrase of a 400, which is to say what is wrong (RFC 3261 21.4.1); of other statuses the usual one."""
    usual = reason_phrase(error.status_hint)
    return _NO_PHRASE.sub("", f"{usual}: {error}") if error.status_hint == 400 else usual


def reason_value(status: int, text: str) -> str:
    """A Reason field (RFC 3326): the response that makes us end a call elsewhere."""
    return f"SIP;cause={status};text={quoted(text)}"


def reason_phrase(status: int) -> str:
    """Phrase of a status; of its class when the code is not in the table."""
    return _PHRASES.get(status) or _CLASSES[status // 100]
