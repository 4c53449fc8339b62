"""Messages that have tripped other parsers, written for this project, byte for byte."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from mediaserver.sip.errors import (
    BodyTooLargeError,
    MessageTooLargeError,
    SipSyntaxError,
    UnknownMethodError,
    UnsupportedSchemeError,
    VersionError,
)
from mediaserver.sip.fields import Via, parse_contacts, parse_single, parse_vias
from mediaserver.sip.message import Headers, Request, Response
from mediaserver.sip.wire import (
    MAX_BODY_BYTES,
    MAX_HEAD_BYTES,
    MAX_HEADERS,
    MAX_LINE_CHARS,
    MAX_MESSAGE_BYTES,
    BadRequest,
    answerable,
    is_keepalive,
    parse_message,
    readable_via,
)
from tests.support.torture import Fate, judge

BASE = {
    "Via": "SIP/2.0/UDP 192.0.2.4:5062;branch=z9hG4bKa1",
    "Max-Forwards": "70",
    "From": "<sip:1001@media.example>;tag=f1",
    "To": "<sip:1002@media.example>",
    "Call-ID": "c-1@192.0.2.4",
    "CSeq": "7 OPTIONS",
}


def message(
    start: str = "OPTIONS sip:1002@media.example SIP/2.0",
    body: bytes = b"",
    extra: tuple[str, ...] = (),
    changed: Mapping[str, str | None] | None = None,
    **fields: str | None,
) -> bytes:
    """A request with some fields changed (as a keyword, ``call_id`` for Call-ID) or, with None, left out."""
    given = {name.replace("_", "-").lower(): value for name, value in {**(changed or {}), **fields}.items()}
    lines = [f"{name}: {given.get(name.lower(), value)}" for name, value in BASE.items()]
    lines = [line for line, name in zip(lines, BASE, strict=True) if given.get(name.lower(), "") is not None]
    return "\r\n".join([start, *lines, *extra, "", ""]).encode("utf-8", "surrogateescape") + body


def read(data: bytes, *, datagram: bool = True) -> Request:
    found = parse_message(data, datagram=datagram)
    assert isinstance(found, Request)
    return found


def refusal(data: bytes, *, datagram: bool = True) -> BadRequest:
    with pytest.raises(BadRequest) as caught:
        parse_message(data, datagram=datagram)
    return caught.value


def test_the_plain_message_is_read_whole() -> None:
    """Start line, every header in order with its raw text, body."""
    data = message(extra=("Content-Type: text/plain", "Content-Length: 2"), body=b"hi")

    assert read(data) == Request(
        method="OPTIONS",
        uri="sip:1002@media.example",
        headers=Headers(
            [
                *((name.lower(), value) for name, value in BASE.items()),
                ("content-type", "text/plain"),
                ("content-length", "2"),
            ]
        ),
        body=b"hi",
    )
    assert judge(data).fate is Fate.ACCEPTED


class TestHeaderLines:
    def test_a_blank_before_the_colon(self) -> None:
        """``Via :`` is a Via."""
        request = read(message(via=None, extra=("Via \t :  SIP/2.0/UDP h;branch=z9hG4bKx  ",)))

        assert request.headers.get("via") == "SIP/2.0/UDP h;branch=z9hG4bKx"

    def test_folded_lines_become_one(self) -> None:
        """A line end followed by blanks is one blank."""
        data = message(to=None, extra=("To:\r\n\t<sip:1002@media.example>\r\n  ;tag=\r\n t",))

        assert parse_single(read(data).headers, "to").tag == "t"

    def test_compact_forms_in_any_case(self) -> None:
        """``V``, ``f``, ``M`` are Via, From, Contact."""
        request = read(message(via=None, extra=("V: SIP/2.0/UDP h", "M: <sip:a@h>", "k:timer", "x : 90")))

        assert [request.headers.get(name) for name in ("via", "contact", "supported", "session-expires")] == [
            "SIP/2.0/UDP h",
            "<sip:a@h>",
            "timer",
            "90",
        ]

    def test_names_in_odd_cases(self) -> None:
        """Header names have no case."""
        assert read(message(extra=("uSeR-aGeNt: x",))).headers.get("user-agent") == "x"

    def test_escapes_do_not_hide_a_name(self) -> None:
        """``C%6Fntact`` is a header of its own, not Contact."""
        headers = read(message(extra=("C%6Fntact: <sip:a@h>",))).headers

        assert (headers.get("contact"), headers.get("c%6fntact")) == (None, "<sip:a@h>")

    def test_an_unknown_header_may_hold_anything(self) -> None:
        """What nobody needs is not judged."""
        assert judge(message(extra=('X-Odd: ;;,,;;,"<', "Subject:", "Date: yesterday"))).fate is Fate.ACCEPTED

    def test_parameters_called_self_and_cls(self) -> None:
        """No parameter name is special."""
        via = parse_vias(read(message(via="SIP/2.0/UDP h;self=1;cls;BRANCH=z9hG4bK*a!b")).headers)[0]

        assert (via.param("self"), via.param("cls"), via.branch) == ("1", "", "z9hG4bK*a!b")

    def test_a_star_contact(self) -> None:
        """``Contact: *`` is read, in a REGISTER."""
        data = message(
            start="REGISTER sip:media.example SIP/2.0", cseq="1 REGISTER", extra=("Contact: *", "Expires: 0")
        )

        assert parse_contacts(read(data).headers) is None
        assert judge(data).fate is Fate.ACCEPTED

    @pytest.mark.parametrize("line", ["no colon", ": no name", "two words: x", "Subj\x00ect: x", "Ünicode: x"])
    def test_a_line_without_a_name(self, line: str) -> None:
        """400, with everything that is needed to answer."""
        error = refusal(message(extra=(line, "X-Later: 1")))

        assert (error.status_hint, error.why) == (400, "a line without a name")
        assert error.request.headers.get("x-later") == "1"

    @pytest.mark.parametrize("end", ["\n", "\r", "\rX-Evil: 1", "\nX-Evil: 1"])
    def test_a_line_end_that_is_none(self, end: str) -> None:
        """A bare CR or LF never starts another header; it is a 400."""
        error = refusal(message(extra=(f"Subject: a{end}b",)))

        assert (error.status_hint, error.field) == (400, "subject")
        assert "x-evil" not in error.request.headers

    def test_octets_that_are_no_utf8_come_back_unchanged(self) -> None:
        """What cannot be decoded is echoed byte for byte."""
        data = message(extra=("Subject: \udcff\udcfe é",))

        assert b"Subject: \xff\xfe \xc3\xa9\r\n" in bytes(read(data))


class TestStartLine:
    @pytest.mark.parametrize("before", [b"\r\n", b"\r\n\r\n\r\n"])
    def test_line_ends_in_front_do_not_count(self, before: bytes) -> None:
        """RFC 3261 7.5."""
        assert read(before + message()) == read(message())

    def test_a_method_keeps_its_case_and_escapes(self) -> None:
        """``RE%47ISTER`` and ``register`` are methods nobody knows."""
        for method in ("RE%47ISTER", "register"):
            assert read(message(start=f"{method} sip:h SIP/2.0", cseq=f"1 {method}")).method == method

    def test_the_version_has_no_case(self) -> None:
        """RFC 3261 7.1."""
        assert read(message(start="OPTIONS sip:h sip/2.0")).uri == "sip:h"

    @pytest.mark.parametrize(
        "start",
        [
            "OPTIONS  sip:h SIP/2.0",
            "OPTIONS sip:h  SIP/2.0",
            " OPTIONS sip:h SIP/2.0",
            "OPTIONS sip:h SIP/2.0 ",
            "OPTIONS sip:h; lr SIP/2.0",
            "OPTIONS sip:h\tSIP/2.0",
            "OPTIONS SIP/2.0",
        ],
    )
    def test_blanks_where_none_may_be(self, start: str) -> None:
        """400, under the method that was meant."""
        error = refusal(message(start=start))

        assert (error.status_hint, error.request.method) == (400, "OPTIONS")

    @pytest.mark.parametrize("version", ["SIP/7.0", "SIP/2.1", "SIP/02.1", "SIP/1.0"])
    def test_other_versions(self, version: str) -> None:
        """505 whenever the rest can be read."""
        error = refusal(message(start=f"OPTIONS sip:h {version}", via=f"{version}/UDP 192.0.2.4:5062;branch=x"))

        assert isinstance(error.error, VersionError)
        assert (error.status_hint, error.request.uri) == (505, "sip:h")

    @pytest.mark.parametrize(
        "start", ["", "OPTIONS", "OPTIONS sip:h", "GET / HTTP/1.1", "{} sip:h SIP/2.0", "A b SIP/x"]
    )
    def test_what_is_no_sip_at_all(self, start: str) -> None:
        """Dropped without an answer, even with all headers in place."""
        assert judge(message(start=start)).fate is Fate.DROPPED

    @pytest.mark.parametrize("status", ["SIP/2.0 200 OK", "SIP/2.0 200", "SIP/2.0 200 ", "sip/2.0 200 Très bien"])
    def test_reason_phrases_are_optional(self, status: str) -> None:
        """With and without a reason, with and without the blank before it."""
        response = parse_message(message(start=status))

        assert isinstance(response, Response)
        assert (response.status, response.reason) == (200, status[12:])

    @pytest.mark.parametrize(
        "status", ["SIP/2.0 4294967301 Better", "SIP/2.0 099 x", "SIP/2.0 700 x", "SIP/2.0  200", "SIP/3.0 200 OK"]
    )
    def test_broken_responses_are_dropped(self, status: str) -> None:
        """A response is never answered."""
        assert judge(message(start=status)).fate is Fate.DROPPED

    @pytest.mark.parametrize(
        "changed", [{"via": None}, {"cseq": "2147483648 OPTIONS"}, {"cseq": "1"}, {"to": "<sip:a"}, {"call_id": None}]
    )
    def test_responses_that_cannot_be_matched_are_dropped(self, changed: dict[str, str | None]) -> None:
        """What routes and matches a response must be sound."""
        assert judge(message(start="SIP/2.0 200 OK", changed=changed)).fate is Fate.DROPPED

    def test_a_star_contact_in_a_response(self) -> None:
        """Dropped: ``*`` is an order to a registrar."""
        assert judge(message(start="SIP/2.0 200 OK", extra=("Contact: *",))).fate is Fate.DROPPED

    @pytest.mark.parametrize("line", ["no colon", "Content-Length: 9"])
    def test_a_broken_head_of_a_response_is_dropped(self, line: str) -> None:
        """No 400 for a response."""
        assert judge(message(start="SIP/2.0 200 OK", extra=(line,))).fate is Fate.DROPPED

    def test_a_response_with_a_contact(self) -> None:
        """Read whole, ready to be matched."""
        assert judge(message(start="SIP/2.0 200 OK", extra=("Contact: <sip:b@h>", "l: 0"))).fate is Fate.ACCEPTED


class TestBody:
    def test_a_datagram_is_cut_at_content_length(self) -> None:
        """Octets behind it are nobody's, whatever they look like."""
        assert read(message(extra=("l: 2",), body=b"hi" + message())).body == b"hi"

    def test_a_datagram_without_content_length(self) -> None:
        """Everything that came is the body."""
        assert read(message(body=b"\r\nhi")).body == b"\r\nhi"

    @pytest.mark.parametrize("datagram", [True, False])
    @pytest.mark.parametrize(
        "lines",
        [
            ("Content-Length: 3",),
            ("Content-Length: -1",),
            ("Content-Length: +2",),
            ("Content-Length: 2 2",),
            ("Content-Length:",),
            ("Content-Length: ٢",),
            ("Content-Length: 2", "l: 2"),
            ("Content-Length: 2", "Content-Length: 1"),
        ],
    )
    def test_lengths_that_cannot_be(self, lines: tuple[str, ...], datagram: bool) -> None:
        """Too large for what came, no number, or given twice: 400."""
        assert refusal(message(extra=lines, body=b"hi"), datagram=datagram).status_hint == 400

    def test_a_stream_needs_content_length(self) -> None:
        """400 on a stream without it."""
        assert refusal(message(), datagram=False).why == "missing on a stream"

    def test_no_empty_line_at_the_end(self) -> None:
        """400: the head may have been cut short."""
        for tail in (message()[:-2], message()[:-4]):
            error = refusal(tail)
            assert (error.status_hint, error.request.headers.get("cseq")) == (400, "7 OPTIONS")


class TestLimits:
    def test_a_message(self) -> None:
        """More than any datagram holds is dropped unread."""
        with pytest.raises(MessageTooLargeError, match="message"):
            parse_message(b" " * (MAX_MESSAGE_BYTES + 1))

    def test_a_head(self) -> None:
        """513 for a head beyond its limit."""
        lines = tuple(f"X-{n}: {'x' * 10_000}" for n in range(4))

        assert isinstance(refusal(message(extra=lines)).error, MessageTooLargeError)
        assert MAX_HEAD_BYTES < 40_000

    def test_a_line(self) -> None:
        """513 for a line beyond its limit; one octet less is fine."""
        fits = "S: " + "x" * (MAX_LINE_CHARS - 3)

        assert judge(message(extra=(fits,))).fate is Fate.ACCEPTED
        assert refusal(message(extra=(fits + "x",))).status_hint == 513

    def test_a_request_line(self) -> None:
        """Nobody answers a request line longer than a line may be."""
        with pytest.raises(MessageTooLargeError, match="request-line"):
            parse_message(message(start=f"OPTIONS sip:{'x' * MAX_LINE_CHARS} SIP/2.0"))

    def test_the_number_of_headers(self) -> None:
        """513 for one header too many; the first ones are there to answer with."""
        room = MAX_HEADERS - len(BASE)

        assert judge(message(extra=("X: 1",) * room)).fate is Fate.ACCEPTED
        error = refusal(message(extra=("X: 1",) * (room + 1)))
        assert (error.status_hint, len(error.request.headers.items)) == (513, MAX_HEADERS)

    def test_a_body(self) -> None:
        """413 for a body beyond its limit, announced or not."""
        body = b"x" * (MAX_BODY_BYTES + 1)

        assert isinstance(refusal(message(body=body)).error, BodyTooLargeError)
        assert refusal(message(extra=(f"l: {len(body)}",), body=body)).status_hint == 413
        assert refusal(message(extra=("l: " + "9" * 99,), body=body)).status_hint == 413
        assert len(read(message(extra=(f"l: {MAX_BODY_BYTES}",), body=body)).body) == MAX_BODY_BYTES


class TestChecks:
    @pytest.mark.parametrize("name", ["From", "To", "Call-ID", "CSeq"])
    def test_what_must_be_there_once(self, name: str) -> None:
        """Doubled: 400. Missing: no response could be built, so nothing is said."""
        doubled = judge(message(extra=(f"{name}: {BASE[name]}",)))
        missing = judge(message(changed={name: None}))

        assert (doubled.fate, doubled.status) == (Fate.REFUSED, 400)
        assert missing.fate is Fate.DROPPED

    def test_without_via_nobody_is_answered(self) -> None:
        """There is no one to answer, be the request broken or not."""
        assert judge(message(via=None)).fate is Fate.DROPPED
        assert judge(message(via=None, extra=("no colon",))).fate is Fate.DROPPED

    @pytest.mark.parametrize(
        "changed",
        [
            {"via": "SIP/2.0/UDP 192.0.2.15;;,;,,"},
            {"via": "SIP/2.0/UDP 192.0.2.15;branch=z9hG4bK"},
            {"via": "SIP/2.0/UDP 192.0.2.15;branch"},
            {"via": "SIP/2.0/UDP 192.0.2.15;branch=a;Branch=b"},
            {"via": "SIP/2.0/UDP 192.0.2.15:70000"},
            {"from": "<sip:a@h>;tag=1;tag=2"},
            {"from": "<sip:a@h>;tag"},
            {"from": '"open <sip:a@h>;tag=1'},
            {"to": "Bell, A <sip:a@h>"},
            {"to": "< sip:a@h >"},
            {"call_id": ""},
            {"call_id": "a b"},
            {"cseq": "7"},
            {"cseq": "7 INVITE"},
            {"cseq": "7 options"},
            {"max_forwards": "256"},
            {"max_forwards": "x"},
        ],
    )
    def test_broken_fields(self, changed: dict[str, str]) -> None:
        """400 for each, answered to the sent-by of the top Via."""
        outcome = judge(message(changed=changed))

        assert (outcome.fate, outcome.status) == (Fate.REFUSED, 400)

    @pytest.mark.parametrize(
        "line",
        [
            "Max-Forwards: 69",
            "Contact: *",
            "Contact: <sip:a@h>;;",
            "Contact: sip:a@h?Route=x",
            "Route: sip:h;lr",
            "Route: <sip:h;lr>, ",
            "Record-Route: h",
            "Require: a b",
            "Proxy-Require: <x>",
        ],
    )
    def test_broken_extra_fields(self, line: str) -> None:
        """400 for each."""
        assert judge(message(extra=(line,))).status == 400

    @pytest.mark.parametrize(
        ("uri", "status"),
        [
            ("<sip:h>", 400),
            ("sip:u@h?Route=%3Csip:e.example%3E", 400),
            ("sip:u@2001:db8::1", 400),
            ("media.example", 400),
            ("tel:+33123456789", 416),
            ("http://media.example/", 416),
            ("nobodyKnowsThis:at-all", 416),
        ],
    )
    def test_request_uris(self, uri: str, status: int) -> None:
        """416 for a scheme we do not serve, 400 for what is no Request-URI."""
        assert judge(message(start=f"OPTIONS {uri} SIP/2.0")).status == status

    def test_a_method_nobody_knows_with_another_cseq(self) -> None:
        """501 says more than 400."""
        assert judge(message(start="JUGGLE sip:h SIP/2.0")).status == 501

    def test_a_body_of_a_broken_type(self) -> None:
        """Content-Type counts when there is a body, not otherwise."""
        broken = ("Content-Type: sdp",)

        assert judge(message(extra=broken, body=b"v=0")).status == 400
        assert judge(message(extra=broken)).fate is Fate.ACCEPTED

    def test_two_contacts_in_an_invite(self) -> None:
        """An INVITE makes one dialog with one contact; a REGISTER may bring several."""
        contacts = ("Contact: <sip:a@h>, <sip:b@h>",)

        assert judge(message(start="INVITE sip:h SIP/2.0", cseq="1 INVITE", extra=contacts)).status == 400
        assert judge(message(start="REGISTER sip:h SIP/2.0", cseq="1 REGISTER", extra=contacts)).fate is Fate.ACCEPTED

    def test_an_address_of_record_is_a_sip_uri(self) -> None:
        """REGISTER for anything else is a 400."""
        data = message(start="REGISTER sip:h SIP/2.0", cseq="1 REGISTER", to="<tel:+1>")

        assert judge(data).status == 400

    def test_an_old_client(self) -> None:
        """No branch, no tag, no Max-Forwards, no Content-Length: RFC 2543, and understood."""
        data = message(via="SIP/2.0/UDP gw.example", changed={"max-forwards": None, "from": "<sip:a@h>"})

        assert judge(data).fate is Fate.ACCEPTED


class TestAnswering:
    def test_what_a_refusal_carries(self) -> None:
        """The error, and the request as far as it could be read."""
        error = refusal(message(extra=("l: 99",)))

        assert (error.field, error.why, error.error.status_hint) == ("content-length", "99, but 0 octets came", 400)
        assert answerable(error.request)

    def test_a_via_with_broken_parameters(self) -> None:
        """Its sent-by is still where to answer."""
        assert readable_via(Request(method="A", uri="b", headers=Headers([("via", "SIP/2.0/TCP h:5070;;")]))) == Via(
            transport="TCP", host="h", port=5070
        )

    @pytest.mark.parametrize(
        ("text", "via"),
        [
            (None, None),
            ("nonsense", None),
            ("SIP/2.0/UDP", None),
            ("SIP/2.0/UDP h:99999", Via(transport="UDP", host="h")),
            ("SIP/9/udp h", Via(transport="UDP", host="h")),
            ('SIP/2.0/UDP a, "', Via(transport="UDP", host="a")),
        ],
    )
    def test_the_least_a_via_must_say(self, text: str | None, via: Via | None) -> None:
        """A transport and a host."""
        headers = Headers([] if text is None else [("via", text)])

        assert readable_via(Request(method="A", uri="b", headers=headers)) == via

    def test_kinds_of_errors_carry_their_status(self) -> None:
        """Each error knows what to answer."""
        kinds = (SipSyntaxError, UnsupportedSchemeError, VersionError, UnknownMethodError)
        sizes = (BodyTooLargeError, MessageTooLargeError)

        assert [kind.status_hint for kind in (*kinds, *sizes)] == [400, 416, 505, 501, 413, 513]


@pytest.mark.parametrize(
    ("data", "is_one"),
    [(b"", True), (b"\r\n\r\n", True), (b"\0\0\0\0", True), (b"\r\n" * 5, False), (b"\r\nx", False)],
)
def test_keepalive_datagrams(data: bytes, is_one: bool) -> None:
    """A few line ends or NULs hold a pinhole open and say nothing."""
    assert is_keepalive(data) is is_one
