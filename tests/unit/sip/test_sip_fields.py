"""Typed views of header fields."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from mediaserver.sip.errors import SipSyntaxError
from mediaserver.sip.fields import (
    CSeq,
    MediaType,
    NameAddr,
    SessionExpires,
    Via,
    is_token,
    join_values,
    parse_addresses,
    parse_contacts,
    parse_content_type,
    parse_cseq,
    parse_expires,
    parse_int_field,
    parse_max_forwards,
    parse_min_se,
    parse_params,
    parse_routes,
    parse_session_expires,
    parse_single,
    parse_vias,
    quoted,
    same_address,
    split_commas,
    token_list,
    unquoted,
)
from mediaserver.sip.message import Headers
from mediaserver.sip.uri import SipUri


def headers(*lines: tuple[str, str]) -> Headers:
    return Headers([(name, value) for name, value in lines])


class TestVia:
    def test_blanks_around_every_separator(self) -> None:
        """Blanks may stand around slashes, colon, semicolons and equals signs."""
        via = Via.parse('SIP /  2.0 / tcp\t host.example : 5070 ; Branch = z9hG4bK*a!b ;rport ; x = "a;b,c"')

        assert via == Via(
            transport="TCP",
            host="host.example",
            port=5070,
            params=(("Branch", "z9hG4bK*a!b"), ("rport", None), ("x", '"a;b,c"')),
        )
        assert (via.branch, via.param("X"), via.rport, via.asks_rport) == ("z9hG4bK*a!b", "a;b,c", None, True)

    @pytest.mark.parametrize("branch", ["z9hG4bK*a!b", "z9hG4bK-.!%66*_+`'~", "z9hG4bK2/=@(x)"])
    def test_a_branch_prints_byte_for_byte(self, branch: str) -> None:
        """Nothing in it is escaped or folded."""
        text = f"SIP/2.0/UDP 192.0.2.1:5060;branch={branch};Self=1"

        assert str(Via.parse(text)) == text

    @pytest.mark.parametrize("written", ["2001:db8::9", "[2001:db8::9]"])
    def test_received_with_and_without_brackets(self, written: str) -> None:
        """RFC 5118 4.5: both spellings are the same address."""
        assert Via.parse(f"SIP/2.0/UDP [2001:db8::1];received={written}").received == "2001:db8::9"

    @pytest.mark.parametrize(
        ("params", "rport"),
        [("", None), (";rport", None), (";rport=5070", 5070), (";rport=x", None), (";rport=123456", None)],
    )
    def test_rport_is_a_number_or_nothing(self, params: str, rport: int | None) -> None:
        """A value that is no port counts as none."""
        via = Via.parse(f"SIP/2.0/UDP h{params}")

        assert (via.rport, via.asks_rport, via.received) == (rport, bool(params), None)

    @pytest.mark.parametrize(
        ("sent", "stamped"),
        [
            ("192.0.2.9", "SIP/2.0/UDP 192.0.2.9"),
            ("192.0.2.1;branch=b", "SIP/2.0/UDP 192.0.2.1;branch=b;received=192.0.2.9"),
            ("192.0.2.9;rport;branch=b", "SIP/2.0/UDP 192.0.2.9;branch=b;received=192.0.2.9;rport=4444"),
            ("phone.example;received=203.0.113.1", "SIP/2.0/UDP phone.example;received=192.0.2.9"),
            ("192.0.2.9;received=203.0.113.1;RPORT=1", "SIP/2.0/UDP 192.0.2.9;received=192.0.2.9;rport=4444"),
        ],
    )
    def test_the_server_writes_where_a_request_came_from(self, sent: str, stamped: str) -> None:
        """received and rport are ours to write; what the sender put there is gone."""
        assert str(Via.parse(f"SIP/2.0/UDP {sent}").stamped("192.0.2.9", 4444)) == stamped

    @pytest.mark.parametrize(
        "text",
        [
            "",
            "SIP/2.0/UDP",
            "SIP/3.0/UDP h",
            "HTTP/2.0/UDP h",
            "SIP/2.0/UDP h:0",
            "SIP/2.0/UDP h:99999",
            "SIP/2.0/UDP 192.0.2.15;;,;,,",
            "SIP/2.0/UDP h;branch=",
            'SIP/2.0/UDP h;x="open',
            "SIP/2.0/UDP h;a=b c",
            "SIP/2.0/UDP h;=b",
        ],
    )
    def test_broken_values(self, text: str) -> None:
        """Each is refused."""
        with pytest.raises(SipSyntaxError):
            Via.parse(text)

    def test_values_over_several_lines_and_commas(self) -> None:
        """Top first; a comma in quotes splits nothing."""
        found = parse_vias(headers(("via", 'SIP/2.0/UDP a;x="1,2" , SIP/2.0/TCP b'), ("via", "SIP/2.0/TLS c")))

        assert [via.host for via in found] == ["a", "b", "c"]

    def test_none_at_all(self) -> None:
        """A message without Via is an error."""
        with pytest.raises(SipSyntaxError, match="via: missing"):
            parse_vias(headers())


class TestNameAddr:
    def test_quotes_escapes_and_parameters(self) -> None:
        """The display name is plain text; parameters belong to the field."""
        address = NameAddr.parse('"J \\"R\\" \\\\" \t <sip:j@h;lr> ;  TAG  = 98asjd8 ; q="0.5"')

        assert address == NameAddr(
            display='J "R" \\',
            uri=SipUri(user="j", host="h", params=(("lr", None),)),
            params=(("TAG", "98asjd8"), ("q", '"0.5"')),
        )
        assert (address.tag, address.param("Q"), address.param("x")) == ("98asjd8", "0.5", None)

    @pytest.mark.parametrize(
        ("text", "display"),
        [
            ("<sip:h>", ""),
            ("caller<sip:h>", "caller"),
            ("Émile du Bois <sip:h>", "Émile du Bois"),
            ("token1~` token2'+_ <sip:h>", "token1~` token2'+_"),
            ('"" <sip:h>', ""),
            ('"a, <b>; \\\x00" <sip:h>', "a, <b>; \x00"),
        ],
    )
    def test_display_names(self, text: str, display: str) -> None:
        """Quoted, plain, absent, and stuck to the bracket."""
        assert NameAddr.parse(text).display == display

    def test_without_brackets_parameters_belong_to_the_field(self) -> None:
        """RFC 3261 20.10: the URI ends at the first semicolon."""
        address = NameAddr.parse(" sip:+1@gw.example;unknownparam")

        assert (str(address.uri), address.params) == ("sip:+1@gw.example", (("unknownparam", None),))

    def test_with_brackets_inner_parameters_belong_to_the_uri(self) -> None:
        """What stands inside stays inside."""
        address = NameAddr.parse("<sip:+1@gw.example;unknownparam>;p")

        assert (str(address.uri), address.params) == ("sip:+1@gw.example;unknownparam", (("p", None),))

    @pytest.mark.parametrize(
        "text",
        [
            "",
            '"Mr. J. User <sip:j@h>',
            "Bell, Alexander <sip:a@h>",
            "< sip:a@h>",
            "<sip:a@h >",
            "<sip:a@h",
            "sip:a@h?Route=x",
            "sip:a@h,b",
            '"name" sip:a@h',
            "<sip:a@h> x",
            "<sip:a@h>;;",
            "<sip:a@h>,",
            "*",
            '"a" "b" <sip:h>',
        ],
    )
    def test_broken_values(self, text: str) -> None:
        """Each is refused, naming the field."""
        with pytest.raises(SipSyntaxError, match=r"^to: "):
            NameAddr.parse(text, "to")

    @pytest.mark.parametrize("display", ["", "Ann", 'a "b" \\c', "Zoë, jr."])
    def test_printing_and_reading_again(self, display: str) -> None:
        """A value survives the way out and in."""
        address = NameAddr(display=display, uri=SipUri(user="1", host="h"), params=(("tag", "x"), ("lr", None)))

        assert NameAddr.parse(str(address)) == address

    def test_routes_need_brackets(self) -> None:
        """A Route without brackets is refused; several on a line are split."""
        assert [str(one.uri) for one in parse_routes(headers(("route", "<sip:a;lr>,<sip:b;lr>")))] == [
            "sip:a;lr",
            "sip:b;lr",
        ]
        with pytest.raises(SipSyntaxError, match="route"):
            parse_routes(headers(("route", "sip:a;lr")))

    def test_an_absent_list_is_empty(self) -> None:
        """No line, no values."""
        assert parse_addresses(headers(), "p-asserted-identity") == []

    def test_a_single_value_is_there_once(self) -> None:
        """From and To exist once."""
        assert parse_single(headers(("to", "<sip:a>")), "to") == NameAddr(uri=SipUri(host="a"))
        with pytest.raises(SipSyntaxError, match="to: missing"):
            parse_single(headers(), "to")
        with pytest.raises(SipSyntaxError, match="to: more than one"):
            parse_single(headers(("to", "<sip:a>"), ("to", "<sip:b>")), "to")


class TestContacts:
    def test_a_star_alone(self) -> None:
        """``*`` is no address but a word of its own."""
        assert parse_contacts(headers(("contact", " * "))) is None

    @pytest.mark.parametrize("lines", [["*", "<sip:a>"], ["*, <sip:a>"], ["*;q=1"], ["*", "*"]])
    def test_a_star_in_company(self, lines: list[str]) -> None:
        """``*`` beside anything else is refused."""
        with pytest.raises(SipSyntaxError):
            parse_contacts(headers(*(("contact", line) for line in lines)))

    def test_several(self) -> None:
        """Lines and commas alike; commas in quotes and brackets split nothing."""
        found = parse_contacts(headers(("contact", '"A, B" <sip:a,c@h>;q=1, <sip:b@h>'), ("contact", "sip:d@h")))

        assert found is not None
        assert [str(one.uri) for one in found] == ["sip:a,c@h", "sip:b@h", "sip:d@h"]

    def test_none(self) -> None:
        """An absent Contact is an empty list."""
        assert parse_contacts(headers()) == []


class TestCSeq:
    def test_blanks_and_zeros(self) -> None:
        """Leading zeros and any run of blanks are fine; the method keeps its case."""
        assert CSeq.parse(" 0009 \t INVITE ") == CSeq(number=9, method="INVITE")
        assert str(CSeq(number=2147483647, method="x-Y")) == "2147483647 x-Y"

    @pytest.mark.parametrize(
        "text", ["", "1", "INVITE", "1INVITE", "-1 BYE", "2147483648 BYE", "9" * 5000 + " BYE", "٣ BYE", "1 B YE"]
    )
    def test_broken_values(self, text: str) -> None:
        """Each is refused; 2^31 is one too many."""
        with pytest.raises(SipSyntaxError, match="cseq"):
            CSeq.parse(text)

    def test_exactly_one(self) -> None:
        """Missing or doubled is refused."""
        assert parse_cseq(headers(("cseq", "1 BYE"))) == CSeq(number=1, method="BYE")
        for lines in ([], [("cseq", "1 BYE"), ("cseq", "1 BYE")]):
            with pytest.raises(SipSyntaxError, match="cseq"):
                parse_cseq(headers(*lines))


class TestNumbers:
    def test_zeros_in_front(self) -> None:
        """0068 is 68."""
        assert parse_max_forwards(headers(("max-forwards", "0068"))) == 68

    def test_absent(self) -> None:
        """None, not a default."""
        assert parse_max_forwards(headers()) is None

    @pytest.mark.parametrize("text", ["256", "-1", "", "7 0", "0x7", "²"])
    def test_max_forwards_out_of_range(self, text: str) -> None:
        """0 to 255, ASCII digits only."""
        with pytest.raises(SipSyntaxError, match="max-forwards"):
            parse_max_forwards(headers(("max-forwards", text)))

    def test_doubled(self) -> None:
        """A number given twice is no number."""
        with pytest.raises(SipSyntaxError, match="more than one"):
            parse_expires(headers(("expires", "1"), ("expires", "1")))

    def test_expires_is_clamped(self) -> None:
        """A hundred digits are the longest time there is."""
        assert parse_expires(headers(("expires", "1" + "0" * 100))) == 2**32 - 1

    def test_clamping_goes_both_ways(self) -> None:
        """A number below the range becomes its lower end."""
        assert parse_int_field("3", "x", 10, 20, clamp=True) == 10


class TestSessionTimer:
    @pytest.mark.parametrize(
        ("text", "value"),
        [
            ("1800", SessionExpires(interval_s=1800)),
            ("90 ; Refresher = UAC", SessionExpires(interval_s=90, refresher="uac")),
            ("90;x=y;refresher=uas", SessionExpires(interval_s=90, refresher="uas")),
        ],
    )
    def test_values(self, text: str, value: SessionExpires) -> None:
        """Interval and, when named, who refreshes."""
        assert parse_session_expires(headers(("session-expires", text))) == value

    @pytest.mark.parametrize("text", ["", "x", "90;refresher=me", "90;;"])
    def test_broken_values(self, text: str) -> None:
        """Each is refused."""
        with pytest.raises(SipSyntaxError, match="session-expires"):
            SessionExpires.parse(text)

    def test_printing(self) -> None:
        """With and without a refresher."""
        assert [str(SessionExpires(interval_s=90, refresher=who)) for who in (None, "uas")] == [
            "90",
            "90;refresher=uas",
        ]

    def test_absent_and_min_se(self) -> None:
        """Absent is None; Min-SE may carry parameters."""
        assert parse_session_expires(headers()) is None
        assert parse_min_se(headers()) is None
        assert parse_min_se(headers(("min-se", "120;x=1"))) == 120


class TestMediaType:
    def test_case_and_parameters(self) -> None:
        """The type is folded; parameters are unquoted when asked for."""
        found = parse_content_type(headers(("content-type", 'Multipart / Mixed ; Boundary="a b"')))

        assert found == MediaType(name="multipart/mixed", params=(("Boundary", '"a b"'),))
        assert (found.param("boundary"), found.param("charset")) == ("a b", None)

    def test_absent(self) -> None:
        """None when there is no Content-Type."""
        assert parse_content_type(headers()) is None

    @pytest.mark.parametrize("text", ["", "text", "/sdp", "a/b c", "a/b;;"])
    def test_broken_values(self, text: str) -> None:
        """Each is refused."""
        with pytest.raises(SipSyntaxError, match="content-type"):
            MediaType.parse(text)


class TestLists:
    @pytest.mark.parametrize(
        ("text", "elements"),
        [
            ("", [""]),
            (" a ", ["a"]),
            ("a,b", ["a", "b"]),
            (' "a,b" , <c,d>;e , ', ['"a,b"', "<c,d>;e", ""]),
            ('"\\",",x', ['"\\","', "x"]),
        ],
    )
    def test_commas(self, text: str, elements: list[str]) -> None:
        """Commas in quotes and brackets are text."""
        assert split_commas(text) == elements

    @pytest.mark.parametrize("text", ['a,"b', "a,<b", "a,b>", "<a,<b>"])
    def test_what_does_not_close(self, text: str) -> None:
        """A quote or bracket left open (or never opened) is refused."""
        with pytest.raises(SipSyntaxError, match="does not close"):
            split_commas(text)

    def test_a_list_without_end(self) -> None:
        """256 elements are read, one more is refused."""
        assert len(split_commas("a," * 255 + "a")) == 256
        with pytest.raises(SipSyntaxError, match="more than 255 commas"):
            split_commas("a," * 256 + "a")

    def test_tokens(self) -> None:
        """Lines and commas; empty elements do not count."""
        found = token_list(
            headers(("supported", "timer, 100rel"), ("supported", ""), ("supported", "path")), "supported"
        )

        assert found == ("timer", "100rel", "path")

    def test_tokens_that_are_none(self) -> None:
        """Anything but tokens is refused."""
        with pytest.raises(SipSyntaxError, match="require"):
            token_list(headers(("require", "a b")), "require")

    def test_words_about_tokens(self) -> None:
        """A token has no blanks and is not empty."""
        assert [is_token(text) for text in ("a-b", "a b", "")] == [True, False, False]

    def test_joining(self) -> None:
        """One line, comma and blank between."""
        assert join_values([CSeq(number=1, method="A"), "b"]) == "1 A, b"


@pytest.mark.parametrize("text", ["", "a", 'a"b', "a\\b", '\\"'])
def test_quoting_is_undone(text: str) -> None:
    """quoted and unquoted are inverse."""
    assert unquoted(quoted(text)) == text


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("[::1]", "0:0::1", True),
        ("Host.Example", "host.example", True),
        ("192.0.2.1", "192.0.2.2", False),
        ("name", "192.0.2.2", False),
    ],
)
def test_same_address(one: str, other: str, same: bool) -> None:
    """Addresses by value, names by text."""
    assert same_address(one, other) is same


@pytest.mark.parametrize("parse", [CSeq.parse, Via.parse, NameAddr.parse, MediaType.parse, SessionExpires.parse])
@pytest.mark.parametrize("text", ["(" * 16000, " " * 16000, '"' * 16000, ";a" * 8000, '"\\' * 8000, "a " * 8000])
def test_hostile_lines_cost_little(parse: Callable[[str], object], text: str) -> None:
    """No line of the longest length makes a reader go back over it again and again."""
    with pytest.raises(SipSyntaxError):
        parse(text)


def test_parameters_may_end_in_blanks() -> None:
    """Blanks behind the last parameter are nothing."""
    assert parse_params("x", "v;a=1 \t", 1) == (("a", "1"),)
