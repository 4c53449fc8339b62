"""The registrar: bindings, their order, their end, and the way back to a phone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypedDict, Unpack

import pytest

from mediaserver.sip.hops import Hop, Transport
from mediaserver.sip.message import Headers, Request
from mediaserver.sip.registrar import Binding, RegisterAnswer, Registrar
from mediaserver.sip.uri import SipUri

PHONE = Hop(transport=Transport.UDP, host="192.0.2.4", port=5062)


def request(
    *contacts: str,
    expires: str | None = None,
    call_id: str = "r1",
    cseq: int = 1,
    via: str = "SIP/2.0/UDP 192.0.2.4:5062;branch=z9hG4bK1",
    to: str = "<sip:1001@media.example>",
    extra: Sequence[tuple[str, str]] = (),
) -> Request:
    """A REGISTER of 1001."""
    items = [("via", via), ("from", f"{to};tag=1"), ("to", to), ("call-id", call_id), ("cseq", f"{cseq} REGISTER")]
    items += [("contact", contact) for contact in contacts]
    items += [] if expires is None else [("expires", expires)]
    return Request(method="REGISTER", uri="sip:media.example", headers=Headers([*items, *extra]))


def contacts(registrar: Registrar, now: float = 0.0) -> list[str]:
    return [str(binding.contact) for binding in registrar.bindings("1001", now)]


class Fields(TypedDict, total=False):
    """What ``request`` takes by name."""

    expires: str | None
    call_id: str
    cseq: int
    via: str
    to: str
    extra: Sequence[tuple[str, str]]


def register(
    registrar: Registrar, *values: str, now: float = 0.0, source: Hop = PHONE, **fields: Unpack[Fields]
) -> RegisterAnswer:
    return registrar.handle(request(*values, **fields), "1001", source, now)


class TestBinding:
    def test_a_first_contact(self) -> None:
        """Bound for an hour, told back with its parameters."""
        registrar = Registrar()

        assert register(
            registrar, '<sip:1001@192.0.2.4:5062;ob>;+sip.instance="<urn:uuid:1>";Q=0.70'
        ) == RegisterAnswer(
            status=200,
            headers=(("contact", '<sip:1001@192.0.2.4:5062;ob>;+sip.instance="<urn:uuid:1>";q=0.7;expires=3600'),),
            changed=True,
        )
        assert registrar.bindings("1001", 1.0) == (
            Binding(
                contact=SipUri(user="1001", host="192.0.2.4", port=5062, params=(("ob", None),)),
                hop=PHONE,
                q=0.7,
                expires_at=3600.0,
                sip_call_id="r1",
                cseq=1,
                params=(("+sip.instance", '"<urn:uuid:1>"'),),
            ),
        )

    def test_a_query_changes_nothing(self) -> None:
        """Without Contact, what is bound is told with the time it has left."""
        registrar = Registrar()
        register(registrar, "<sip:a@192.0.2.4>", expires="100")

        assert register(registrar, now=40.5, cseq=2) == RegisterAnswer(
            status=200, headers=(("contact", "<sip:a@192.0.2.4>;expires=60"),)
        )

    def test_a_refresh_is_no_change(self) -> None:
        """The same contact again lives longer; nobody needs to be told."""
        registrar = Registrar()
        register(registrar, "<sip:a@192.0.2.4>", expires="100")
        answer = register(registrar, "<sip:a@192.0.2.4>", expires="100", cseq=2, now=50.0)

        assert (answer.changed, answer.headers) == (False, (("contact", "<sip:a@192.0.2.4>;expires=100"),))

    def test_several_contacts_by_preference(self) -> None:
        """Higher q first; among equals the newest first."""
        registrar = Registrar()
        register(registrar, "<sip:low@h>;q=0.1, <sip:a@h>", "sip:b@h;q=1.0")

        assert contacts(registrar) == ["sip:b@h", "sip:a@h", "sip:low@h"]

    @pytest.mark.parametrize("q", ["2", "-1", "x", "", "0.99999", ".", "1e0"])
    def test_a_preference_out_of_its_grammar(self, q: str) -> None:
        """Counts as 1."""
        registrar = Registrar()
        register(registrar, f'<sip:a@h>;q="{q}"')

        assert registrar.bindings("1001", 0.0)[0].q == 1.0

    def test_subscribers_do_not_mix(self) -> None:
        """Bindings belong to one user."""
        registrar = Registrar()
        register(registrar, "<sip:a@h>")

        assert registrar.bindings("1002", 0.0) == ()

    def test_headers_in_a_contact_are_kept_but_not_used(self) -> None:
        """``?Route=`` stays in the Contact and never gets into a Request-URI."""
        registrar = Registrar()
        answer = register(registrar, "<sip:a@h;x?Route=%3Csip:e%3E>")

        assert answer.headers[0][1].startswith("<sip:a@h;x?Route=%3Csip:e%3E>;")
        assert registrar.bindings("1001", 0.0)[0].request_uri == "sip:a@h;x"

    def test_path_and_outbound_are_ignored_politely(self) -> None:
        """No 420: nothing was required."""
        extra = [("path", "<sip:edge.example;lr>"), ("supported", "path, outbound, gruu")]

        assert register(Registrar(), "<sip:a@h>;reg-id=1", extra=extra).status == 200


class TestExpires:
    @pytest.mark.parametrize(
        ("contact", "header", "granted"),
        [
            ("<sip:a@h>", None, 3600),
            ("<sip:a@h>", "120", 120),
            ("<sip:a@h>;expires=90", "120", 90),
            ('<sip:a@h>;expires="90"', None, 90),
            ("<sip:a@h>;expires=soon", "120", 3600),
            ("<sip:a@h>", "soon", 3600),
            ("<sip:a@h>", "9" * 100, 7200),
            ("<sip:a@h>;expires=280297596632815", None, 7200),
        ],
    )
    def test_who_decides(self, contact: str, header: str | None, granted: int) -> None:
        """The parameter, then the header, then an hour; never beyond our limit."""
        answer = register(Registrar(), contact, expires=header)

        assert answer.headers[0][1].endswith(f";expires={granted}")

    def test_too_short(self) -> None:
        """423 tells the shortest time, and nothing at all is bound."""
        registrar = Registrar(min_expires_s=60)

        assert register(registrar, "<sip:a@h>, <sip:b@h>;expires=59") == RegisterAnswer(
            status=423, headers=(("min-expires", "60"),)
        )
        assert contacts(registrar) == []

    @pytest.mark.parametrize(("least", "most"), [(0, 10), (3601, 7200), (60, 59)])
    def test_limits_that_make_no_sense(self, least: int, most: int) -> None:
        """An hour must never be refused (RFC 3261 10.3)."""
        with pytest.raises(ValueError, match="min_expires_s"):
            Registrar(min_expires_s=least, max_expires_s=most)

    def test_time_ends_a_binding(self) -> None:
        """On the second it runs out it is gone; expire() tells whose, once, and what comes next."""
        registrar = Registrar()
        register(registrar, "<sip:a@h>;expires=60, <sip:b@h>;expires=90")

        assert contacts(registrar, 59.9) == ["sip:b@h", "sip:a@h"]
        assert contacts(registrar, 60.0) == ["sip:b@h"]
        assert registrar.next_expiry() == 60.0
        assert registrar.expire(60.0) == ("1001",)
        assert registrar.expire(60.0) == ()
        assert registrar.next_expiry() == 90.0
        assert registrar.expire(1000.0) == ("1001",)
        assert registrar.next_expiry() is None

    def test_a_refresh_moves_the_end(self) -> None:
        """The old end does nothing."""
        registrar = Registrar()
        register(registrar, "<sip:a@h>", expires="60")
        register(registrar, "<sip:a@h>", expires="60", cseq=2, now=30.0)

        assert registrar.next_expiry() == 90.0
        assert registrar.expire(60.0) == ()
        assert contacts(registrar, 60.0) == ["sip:a@h"]

    def test_a_lost_contact_is_noticed_by_the_next_request(self) -> None:
        """A refresh of one contact after another has run out is a change."""
        registrar = Registrar()
        register(registrar, "<sip:a@h>;expires=60, <sip:b@h>;expires=90")

        assert register(registrar, "<sip:b@h>", cseq=2, now=70.0).changed

    def test_refreshing_without_end_costs_no_memory(self) -> None:
        """Ten thousand refreshes later the end is still the last one's."""
        registrar = Registrar()
        for cseq in range(1, 10_001):
            register(registrar, "<sip:a@h>", expires="60", cseq=cseq, now=cseq / 1000)

        assert len(registrar._deadlines) <= 1025
        assert registrar.next_expiry() == 70.0


class TestRemoval:
    def test_one_contact(self) -> None:
        """expires=0 removes what equals it by RFC 3261 19.1.4."""
        registrar = Registrar()
        register(registrar, "<sip:a@Host.example>, <sip:b@h>")
        answer = register(registrar, "<sip:%61@host.EXAMPLE>;expires=0", cseq=2)

        assert (answer.status, answer.changed, contacts(registrar)) == (200, True, ["sip:b@h"])

    def test_what_was_never_there(self) -> None:
        """Removing it is fine, and no change."""
        registrar = Registrar()

        assert register(registrar, "<sip:a@h>", expires="0") == RegisterAnswer(status=200)
        assert registrar.next_expiry() is None

    def test_all(self) -> None:
        """``*`` with Expires: 0."""
        registrar = Registrar()
        register(registrar, "<sip:a@h>, <sip:b@h>")

        assert register(registrar, "*", expires="0", cseq=2) == RegisterAnswer(status=200, changed=True)
        assert contacts(registrar) == []

    @pytest.mark.parametrize("expires", [None, "1", "x"])
    def test_a_star_without_expires_0(self, expires: str | None) -> None:
        """400, and nothing is removed."""
        registrar = Registrar()
        register(registrar, "<sip:a@h>")

        assert register(registrar, "*", expires=expires, cseq=2).status == 400
        assert contacts(registrar) == ["sip:a@h"]


class TestOrder:
    @pytest.mark.parametrize("contact", ["<sip:a@h>", "<sip:a@h>;expires=0", "*"])
    @pytest.mark.parametrize("cseq", [4, 5])
    def test_a_late_request_changes_nothing(self, contact: str, cseq: int) -> None:
        """The same Call-ID with a CSeq not higher than the binding's is refused (RFC 3261 10.3 step 7)."""
        registrar = Registrar()
        register(registrar, "<sip:a@h>", cseq=5)

        answer = register(
            registrar, "<sip:new@h>" if contact != "*" else "*", expires="0" if contact == "*" else None, cseq=cseq
        )
        late = register(registrar, contact, expires="0" if contact == "*" else None, cseq=cseq)

        assert late == RegisterAnswer(status=500, reason="CSeq out of order")
        assert answer.status == (500 if contact == "*" else 200)
        assert "sip:a@h" in contacts(registrar)

    def test_another_call_id_starts_anew(self) -> None:
        """A phone that restarted counts from 1 again."""
        registrar = Registrar()
        register(registrar, "<sip:a@h>", cseq=500)
        register(registrar, "<sip:a@h>", call_id="r2", cseq=1)

        assert [(one.sip_call_id, one.cseq) for one in registrar.bindings("1001", 0.0)] == [("r2", 1)]

    def test_the_same_contact_twice_in_one_request(self) -> None:
        """The later one counts; it is not behind itself."""
        registrar = Registrar()

        assert register(registrar, "<sip:a@h>;q=0.1, <sip:a@h>;q=0.2").status == 200
        assert [one.q for one in registrar.bindings("1001", 0.0)] == [0.2]


class TestInstances:
    def test_a_phone_that_moved(self) -> None:
        """The same +sip.instance replaces its old address."""
        registrar = Registrar()
        register(registrar, '<sip:a@192.0.2.4:1111>;+sip.instance="<urn:x>"')
        register(registrar, '<sip:a@192.0.2.4:2222>;+SIP.instance="<urn:x>"', call_id="r2")

        assert contacts(registrar) == ["sip:a@192.0.2.4:2222"]

    def test_several_flows_of_one_phone(self) -> None:
        """Another reg-id is another flow (RFC 5626)."""
        registrar = Registrar()
        register(
            registrar, '<sip:a@h:1>;+sip.instance="<urn:x>";reg-id=1', '<sip:a@h:2>;+sip.instance="<urn:x>";reg-id=2'
        )

        assert contacts(registrar) == ["sip:a@h:2", "sip:a@h:1"]


class TestLimits:
    def test_one_contact_too_many(self) -> None:
        """The one refreshed longest ago makes room."""
        registrar = Registrar(max_contacts=2)
        register(registrar, "<sip:a@h>", "<sip:b@h>")
        register(registrar, "<sip:a@h>", cseq=2)
        register(registrar, "<sip:c@h>", cseq=3)

        assert contacts(registrar) == ["sip:c@h", "sip:a@h"]

    def test_too_many_in_one_request(self) -> None:
        """403, and nothing is bound."""
        registrar = Registrar(max_contacts=2)

        assert register(registrar, "<sip:a@h>, <sip:b@h>, <sip:c@h>").status == 403
        assert contacts(registrar) == []


class TestRefusals:
    def test_somebody_elses_address(self) -> None:
        """Who is authenticated as 1001 binds for 1001 alone."""
        assert register(Registrar(), "<sip:a@h>", to="<sip:1002@media.example>").status == 403

    def test_a_nul_in_the_user_is_not_its_end(self) -> None:
        """1001%00x is not 1001."""
        assert register(Registrar(), "<sip:a@h>", to="<sip:1001%00x@media.example>").status == 403

    @pytest.mark.parametrize(
        ("contact", "why"),
        [
            ("<tel:+1>", "not a SIP URI"),
            ("<sip:a@h", "neither a name with uri nor a plain URI"),
            ("*, <sip:a@h>", "not a URI"),
        ],
    )
    def test_contacts_that_are_none(self, contact: str, why: str) -> None:
        """400, and nothing is bound."""
        registrar = Registrar()

        refused = RegisterAnswer(status=400, reason=f"Bad Request: contact: {why}")
        assert register(registrar, "<sip:ok@h>", contact) == refused
        assert contacts(registrar) == []

    def test_an_address_of_record_of_another_scheme(self) -> None:
        """400."""
        refused = RegisterAnswer(status=400, reason="Bad Request: to: an address-of-record must be a SIP URI")
        assert register(Registrar(), "<sip:a@h>", to="<isbn:1>") == refused


class TestWayBack:
    @pytest.mark.parametrize(
        ("contact", "sent_by", "hop"),
        [
            # The phone knows its own address: its Contact is good, other port included.
            ("sip:a@192.0.2.4:7000", "192.0.2.4:5062", Hop(transport=Transport.UDP, host="192.0.2.4", port=7000)),
            ("sip:a@192.0.2.4", "phone.example", Hop(transport=Transport.UDP, host="192.0.2.4", port=5060)),
            ("<sip:a@192.0.2.4;transport=TCP>", "192.0.2.4", Hop(transport=Transport.TCP, host="192.0.2.4", port=5060)),
            ("sips:a@192.0.2.4", "192.0.2.4", Hop(transport=Transport.TLS, host="192.0.2.4", port=5061)),
            (
                "<sip:a@192.0.2.4;transport=sctp>",
                "192.0.2.4",
                Hop(transport=Transport.UDP, host="192.0.2.4", port=5060),
            ),
            # The Contact names another machine, and the sender's own address is right.
            ("sip:a@198.51.100.7:5090", "192.0.2.4:5062", Hop(transport=Transport.UDP, host="198.51.100.7", port=5090)),
            # Address translation: both are private, so back to where it came from.
            ("sip:a@10.0.0.7:5062", "10.0.0.7:5062", PHONE),
            # Names are not looked up.
            ("sip:a@phone.invalid", "192.0.2.4", PHONE),
            # Nobody can connect to a browser.
            ("<sip:a@192.0.2.4;transport=ws>", "192.0.2.4", PHONE),
        ],
    )
    def test_datagrams(self, contact: str, sent_by: str, hop: Hop) -> None:
        """To the Contact where that can work, else back to the source."""
        registrar = Registrar()
        register(registrar, contact, via=f"SIP/2.0/UDP {sent_by}")

        (binding,) = registrar.bindings("1001", 0.0)
        assert (binding.hop, binding.fallback) == (hop, None)

    def test_ipv6(self) -> None:
        """Brackets in the Contact, none in the hop; spellings of one address are one address."""
        registrar = Registrar()
        source = Hop(transport=Transport.UDP, host="2001:db8::4", port=5062)
        register(registrar, "<sip:a@[2001:DB8:0::4]:5070>", source=source, via="SIP/2.0/UDP [2001:db8::4]")

        assert registrar.bindings("1001", 0.0)[0].hop == Hop(transport=Transport.UDP, host="2001:DB8:0::4", port=5070)

    def test_connections(self) -> None:
        """Requests go over the connection; the Contact is for when it has closed."""
        registrar = Registrar()
        source = Hop(transport=Transport.TCP, host="192.0.2.4", port=40000, connection=7)
        register(registrar, "<sip:a@192.0.2.4:5062;transport=tcp>", source=source)

        (binding,) = registrar.bindings("1001", 0.0)
        assert binding.hop == source
        assert registrar.drop_connection(7) == ()
        (binding,) = registrar.bindings("1001", 0.0)
        assert (binding.hop, binding.fallback) == (Hop(transport=Transport.TCP, host="192.0.2.4", port=5062), None)

    @pytest.mark.parametrize("scheme", ["sip", "sips"])
    def test_a_browser_that_left(self, scheme: str) -> None:
        """Without its connection it is out of reach: the binding is gone, others stay."""
        registrar = Registrar()
        browser = Hop(transport=Transport.WSS, host="192.0.2.4", port=40000, connection=7)
        register(registrar, f"<{scheme}:x@192.0.2.4;transport=ws>", source=browser)
        register(registrar, "<sip:desk@192.0.2.4:5062>", cseq=2)

        assert registrar.drop_connection(8) == ()
        assert registrar.drop_connection(7) == ("1001",)
        assert contacts(registrar) == ["sip:desk@192.0.2.4:5062"]
        assert registrar.drop_connection(7) == ()

    def test_a_phone_that_changed_connections(self) -> None:
        """The end of its old connection does not touch its new binding."""
        registrar = Registrar()
        for connection in (1, 2):
            source = Hop(transport=Transport.TLS, host="192.0.2.4", port=40000 + connection, connection=connection)
            register(
                registrar, "<sip:a@10.0.0.7;transport=tls>", source=source, cseq=connection, via="SIP/2.0/TLS 10.0.0.7"
            )

        assert registrar.drop_connection(1) == ()
        assert contacts(registrar) == ["sip:a@10.0.0.7;transport=tls"]

    def test_a_connection_of_somebody_who_is_gone(self) -> None:
        """Closing it later is nothing."""
        registrar = Registrar()
        source = Hop(transport=Transport.TCP, host="192.0.2.4", port=40000, connection=7)
        register(registrar, "<sip:a@h>", source=source)
        register(registrar, "*", expires="0", cseq=2, source=source)

        assert registrar.drop_connection(7) == ()
