"""SIP URIs: what is read, printed back, compared and refused."""

from __future__ import annotations

import pytest

from mediaserver.sip.errors import SipSyntaxError
from mediaserver.sip.uri import OtherUri, SipUri, escape_user, parse_uri, same_uri


def test_every_part_of_a_uri_is_told_apart() -> None:
    """Scheme, user, password, host, port, parameters and headers each get their own text."""
    assert SipUri.parse("SIPS:1001:p%21w@Media.example:5071;transport=tcp;lr?Subject=a%20b&X=") == SipUri(
        scheme="sips",
        user="1001",
        password="p%21w",
        host="Media.example",
        port=5071,
        params=(("transport", "tcp"), ("lr", None)),
        headers=(("Subject", "a%20b"), ("X", "")),
    )


@pytest.mark.parametrize(
    "text",
    [
        "sip:host.example",
        "sip:*44@host.example",
        "sip:a;b=c?d,e/f@host.example:5080;user=phone",
        "sip:%00x%7f@[2001:db8::7]:5062;x-y=%41",
        "sips:u:@h;lr;p=a/b:[c]?H=v&I=",
        "tel:+33123456789;phone-context=x",
        "urn:uuid:0000-11",
    ],
)
def test_printing_gives_back_the_text_that_was_read(text: str) -> None:
    """Nothing is escaped, unescaped, folded or reordered."""
    assert str(parse_uri(text)) == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        "host.example",
        "sip:",
        "sip:@host",
        "sip:user@",
        "sip:us er@host",
        "sip:u@host:",
        "sip:u@host:0",
        "sip:u@host:65536",
        "sip:u@host:123456",
        "sip:u@ho(st",
        "sip:u%4@host",
        "sip:u%zz@host",
        "sip:2001:db8::10",
        "sip:[2001:db8::10",
        "sip:[host]",
        "sip:u@host;;lr",
        "sip:u@host;",
        "sip:u@host;a=",
        "sip:u@host?",
        "sip:u@host?a",
        "sip:u@host?=b",
        "sip:u@v@host",
        "<sip:u@host>",
        "tel:",
        "tel:1 2",
        'x:"',
        "sip:u@host\r\n",
        "sip:ü@host",
    ],
)
def test_what_breaks_the_grammar_is_refused(text: str) -> None:
    """One kind of error for every broken URI."""
    with pytest.raises(SipSyntaxError):
        parse_uri(text)


def test_a_sip_uri_is_wanted_where_one_is_asked_for() -> None:
    """SipUri.parse takes no other scheme."""
    with pytest.raises(SipSyntaxError, match="not a SIP URI"):
        SipUri.parse("tel:+1")


def test_other_schemes_stay_whole() -> None:
    """A scheme we do not act upon is kept as scheme and rest."""
    assert parse_uri("TEL:+1555") == OtherUri(scheme="tel", rest="+1555")


def test_an_escaped_nul_does_not_cut_the_user_short() -> None:
    """%00 becomes a NUL in the middle of the text."""
    assert SipUri.parse("sip:ab%00cd@host").unescaped_user == "ab\0cd"


def test_escapes_in_the_user_are_resolved_once() -> None:
    """%2541 is %41, not A; a URI without a user has an empty one."""
    assert SipUri.parse("sip:%2541%2A@host").unescaped_user == "%41*"
    assert SipUri.parse("sip:host").unescaped_user == ""


def test_a_colon_and_digits_inside_brackets_are_address() -> None:
    """Only what follows the bracket is a port."""
    inside, outside = SipUri.parse("sip:[2001:db8::9:5070]"), SipUri.parse("sip:[2001:db8::9]:5070")

    assert (inside.address, inside.port) == ("2001:db8::9:5070", None)
    assert (outside.address, outside.port) == ("2001:db8::9", 5070)


def test_parameters_are_found_in_any_case() -> None:
    """A bare parameter is an empty text, an absent one None."""
    uri = SipUri.parse("sip:h;LR;Transport=TCP")

    assert (uri.param("lr"), uri.param("transport"), uri.param("maddr")) == ("", "TCP", None)


@pytest.mark.parametrize("name", ["self", "cls", "name", "value"])
def test_no_parameter_name_is_special(name: str) -> None:
    """Names that mean something to Python are names like others."""
    assert SipUri.parse(f"sip:h;{name}=1").param(name) == "1"


def test_escape_user_gives_what_a_uri_can_carry() -> None:
    """What the grammar allows stays; the rest, bytes that are no UTF-8 too, comes back after reading."""
    text = "*44#é\udcff@:[]"

    assert escape_user("*44;a=1/2?") == "*44;a=1/2?"
    assert SipUri.parse(f"sip:{escape_user(text)}@h").unescaped_user == text


SAME = [
    ("sip:%61lice@atlanta.example;transport=TCP", "sip:alice@AtLanTa.example;Transport=tcp"),
    ("sip:carol@chicago.example", "sip:carol@chicago.example;newparam=5"),
    ("sip:carol@chicago.example;security=on", "sip:carol@chicago.example;newparam=5"),
    ("sip:b.example;transport=tcp;method=REGISTER?to=s%3ab", "sip:b.example;method=REGISTER;transport=tcp?TO=s%3Ab"),
    ("sip:a@b.example?subject=p&priority=u", "sip:a@b.example?priority=u&subject=p"),
    ("sip:u@[2001:DB8::1]", "sip:u@[2001:db8:0::1]"),
    ("tel:+1", "tel:+1"),
]
DIFFERENT = [
    ("sip:Alice@a.example", "sip:alice@a.example"),
    ("sip:bob@b.example", "sip:bob@b.example:5060"),
    ("sip:bob@b.example", "sip:bob@b.example;transport=udp"),
    ("sip:bob@b.example;x=1", "sip:bob@b.example;x=2"),
    ("sip:bob@b.example;maddr=1.2.3.4", "sip:bob@b.example"),
    ("sip:carol@c.example", "sip:carol@c.example?Subject=next"),
    ("sip:bob@b.example", "sips:bob@b.example"),
    ("sip:bob@b.example", "sip:b.example"),
    ("sip:bob:x@b.example", "sip:bob@b.example"),
    ("sip:a%3Bb@c.example", "sip:a;b@c.example"),
    ("sip:u@[2001:db8::1]", "sip:u@[2001:db8::2]"),
    ("sip:u@[2001:db8:::1]", "sip:u@[2001:db8::1]"),
    ("tel:+1", "tel:+2"),
    ("tel:+1", "sip:+1@h"),
]


@pytest.mark.parametrize(("one", "other"), SAME)
def test_equal_uris(one: str, other: str) -> None:
    """RFC 3261 19.1.4, both ways round."""
    assert same_uri(parse_uri(one), parse_uri(other))
    assert same_uri(parse_uri(other), parse_uri(one))


@pytest.mark.parametrize(("one", "other"), DIFFERENT)
def test_different_uris(one: str, other: str) -> None:
    """RFC 3261 19.1.4, both ways round."""
    assert not same_uri(parse_uri(one), parse_uri(other))
    assert not same_uri(parse_uri(other), parse_uri(one))
