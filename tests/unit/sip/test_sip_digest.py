"""Digest authentication: published examples, both sides against each other, replays, odd phones."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace

import pytest

from mediaserver.sip.digest import (
    Algorithm,
    Challenge,
    Challenger,
    HashOf,
    Outcome,
    Verdict,
    authorize,
    compute_ha1,
    compute_response,
    parse_challenge,
    parse_digest,
)
from mediaserver.sip.errors import SipSyntaxError
from mediaserver.sip.nonces import NonceBook

REALM = "media.example"
SECRET = b"0123456789abcdef"
PASSWORDS = {"1001": "correct horse", 'o"dd\\': "p"}
MD5, SHA_256 = Algorithm.MD5, Algorithm.SHA_256


@dataclass
class CountingIds:
    """Tokens 1, 2, 3 ... as hexadecimal."""

    given: list[int] = field(default_factory=list)

    def token(self, bits: int = 64) -> str:
        self.given.append(len(self.given) + 1)
        return f"{self.given[-1]:0{bits // 4}x}"


def hashes(realm: str = REALM) -> HashOf:
    def ha1_of(user: str, algorithm: Algorithm) -> str | None:
        password = PASSWORDS.get(user)
        return None if password is None else compute_ha1(user, realm, password, algorithm)

    return ha1_of


def challenger(
    *,
    realm: str = REALM,
    algorithms: tuple[Algorithm, ...] = (SHA_256, MD5),
    reads_all: re.Pattern[str] | None = None,
    nonce_life_s: float = 300.0,
    max_nonces: int = 100,
) -> Challenger:
    return Challenger(
        realm=realm,
        secret=SECRET,
        algorithms=algorithms,
        reads_all=reads_all,
        nonce_life_s=nonce_life_s,
        max_nonces=max_nonces,
    )


def answer(challenges: tuple[str, ...], *, user: str = "1001", password: str = "correct horse", nc: int = 1) -> str:
    value = authorize(
        challenges, method="REGISTER", uri="sip:elsewhere", user=user, password=password, cnonce="c0ffee", nc=nc
    )
    assert value is not None
    return value


def verdict(server: Challenger, *values: str, now: float = 1.0, method: str = "REGISTER") -> Verdict:
    return server.verify(values, method=method, ha1_of=hashes(), now=now)


class TestExamples:
    """Numbers printed in the RFCs."""

    def test_rfc_2617_3_5(self) -> None:
        """MD5 with qop=auth."""
        pairs = {
            "nonce": "dcd98b7102dd2f0e8b11d0f600bfb0c093",
            "uri": "/dir/index.html",
            "qop": "auth",
            "nc": "00000001",
            "cnonce": "0a4f113b",
        }
        ha1 = compute_ha1("Mufasa", "testrealm@host.com", "Circle Of Life", MD5)

        assert ha1 == "939e7578ed9e3c518a452acee763bce9"
        assert compute_response(ha1, pairs, "GET", MD5) == "6629fae49393a05397450978507c4ef1"

    @pytest.mark.parametrize(
        ("algorithm", "response"),
        [
            (MD5, "8ca523f5e9506fed4657c9700eebdbec"),
            (SHA_256, "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"),
        ],
    )
    def test_rfc_7616_3_9_1(self, algorithm: Algorithm, response: str) -> None:
        """Both algorithms over the same exchange, computed by the client side."""
        challenge = Challenge(
            realm="http-auth@example.org",
            nonce="7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v",
            algorithm=algorithm,
            qop=True,
            opaque="FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS",
        )
        value = authorize(
            [str(challenge)],
            method="GET",
            uri="/dir/index.html",
            user="Mufasa",
            password="Circle of Life",
            cnonce="f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ",
        )

        assert value == (
            'Digest username="Mufasa", realm="http-auth@example.org", '
            'nonce="7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v", uri="/dir/index.html", '
            f'response="{response}", algorithm={algorithm}, qop=auth, nc=00000001, '
            'cnonce="f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ", '
            'opaque="FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS"'
        )

    def test_rfc_2069_form(self) -> None:
        """Without qop, neither count nor cnonce are hashed."""
        value = answer((f'Digest realm="{REALM}", nonce="n"',))
        pairs = parse_digest(value, "authorization")

        assert pairs is not None
        assert pairs.keys() == {"username", "realm", "nonce", "uri", "response", "algorithm"}
        ha1 = compute_ha1("1001", REALM, "correct horse", MD5)
        assert pairs["response"] == compute_response(ha1, {"nonce": "n", "uri": "sip:elsewhere"}, "REGISTER", MD5)


class TestChallenges:
    def test_both_algorithms_the_wanted_one_first(self) -> None:
        """Two values with one nonce; the first known one is answered."""
        first, second = (parse_challenge(value) for value in challenger().challenges(CountingIds(), 1.0))

        assert first == Challenge(realm=REALM, nonce=first.nonce if first else "", algorithm=SHA_256, qop=True)
        assert first is not None
        assert second == replace(first, algorithm=MD5)

    def test_the_words_on_the_wire(self) -> None:
        """stale and algorithm stand without quotes, qop within."""
        (value,) = challenger(algorithms=(MD5,)).challenges(CountingIds(), 1.0, stale=True)

        assert re.fullmatch(
            rf'Digest realm="{REALM}", nonce="3e8\.0{{15}}1\.[0-9a-f]{{32}}", algorithm=MD5, qop="auth", stale=true',
            value,
        )

    @pytest.mark.parametrize(
        ("agent", "algorithms"),
        [
            (None, ["MD5"]),
            ("baresip v1.0.0 (x86_64/linux)", ["MD5"]),
            ("JsSIP 3.13.0", ["MD5"]),
            ("PJSUA v2.4", ["MD5"]),
            ("PJSUA v2.15.1 Linux", ["SHA-256", "MD5"]),
            ("callbench/0.1", ["SHA-256", "MD5"]),
        ],
    )
    def test_phones_that_stumble_over_sha256_see_md5_alone(self, agent: str | None, algorithms: list[str]) -> None:
        """By default only phones known to cope are offered both."""
        server = Challenger(realm=REALM, secret=SECRET)
        found = [parse_challenge(value) for value in server.challenges(CountingIds(), 1.0, user_agent=agent)]

        assert [challenge.algorithm for challenge in found if challenge] == algorithms

    def test_without_md5_everyone_sees_what_there_is(self) -> None:
        """A server told to do SHA-256 only does not fall back."""
        server = Challenger(realm=REALM, secret=SECRET, algorithms=(SHA_256,))

        assert len(server.challenges(CountingIds(), 1.0)) == 1
        assert "SHA-256" in server.challenges(CountingIds(), 1.0)[0]

    @pytest.mark.parametrize(("secret", "algorithms"), [(b"short", (MD5,)), (SECRET, ())])
    def test_a_server_that_could_not_work(self, secret: bytes, algorithms: tuple[Algorithm, ...]) -> None:
        """A short secret or no algorithm is a mistake of ours."""
        with pytest.raises(ValueError, match="16 octets"):
            Challenger(realm=REALM, secret=secret, algorithms=algorithms)

    def test_nothing_secret_is_printed(self) -> None:
        """Neither the secret nor a password shows in a repr."""
        server = challenger()
        found = verdict(server, answer(server.challenges(CountingIds(), 1.0)))

        assert "0123" not in repr(server)
        assert "horse" not in repr(found)


class TestVerdicts:
    @pytest.mark.parametrize("algorithm", list(Algorithm))
    def test_the_right_password(self, algorithm: Algorithm) -> None:
        """Granted, whatever ``uri`` the phone hashed."""
        server = challenger(algorithms=(algorithm,))

        assert verdict(server, answer(server.challenges(CountingIds(), 1.0))) == Verdict(
            outcome=Outcome.GRANTED, user="1001", algorithm=algorithm
        )

    def test_md5_credentials_are_good_where_both_are_offered(self) -> None:
        """The phone chooses."""
        server = challenger()
        sha256, md5 = server.challenges(CountingIds(), 1.0)

        assert verdict(server, answer((md5,))).algorithm is MD5
        assert verdict(server, answer((sha256,), nc=2)).algorithm is SHA_256

    def test_an_algorithm_not_offered_counts_for_nothing(self) -> None:
        """MD5 where only SHA-256 is asked for."""
        server = challenger(algorithms=(SHA_256,))
        value = server.challenges(CountingIds(), 1.0)[0].replace("SHA-256", "MD5")

        assert verdict(server, answer((value,))).outcome is Outcome.NONE

    @pytest.mark.parametrize(
        ("user", "password", "method"),
        [("1001", "wrong", "REGISTER"), ("nobody", "correct horse", "REGISTER"), ("1001", "correct horse", "INVITE")],
    )
    def test_wrong_and_unknown_look_alike(self, user: str, password: str, method: str) -> None:
        """Denied, in the same words."""
        server = challenger(algorithms=(MD5,))
        value = answer(server.challenges(CountingIds(), 1.0), user=user, password=password)

        assert verdict(server, value, method=method) == Verdict(outcome=Outcome.DENIED, user=user, algorithm=MD5)

    def test_an_unknown_user_is_not_let_in_by_any_guess(self) -> None:
        """What stands in for the missing hash depends on the secret."""
        server = challenger(algorithms=(MD5,))
        (challenge,) = server.challenges(CountingIds(), 1.0)

        assert verdict(server, answer((challenge,), user="", password="")).outcome is Outcome.DENIED

    def test_names_and_realms_with_quotes(self) -> None:
        """Backslashes are written, understood and hashed alike on both sides."""
        server = challenger(realm='R "x" \\', algorithms=(MD5,))
        value = answer(server.challenges(CountingIds(), 1.0), user='o"dd\\', password="p")
        raw_realm = 'R \\"x\\" \\\\'

        found = server.verify([value], method="REGISTER", ha1_of=hashes(raw_realm), now=1.0)

        assert (found.outcome, found.user) == (Outcome.GRANTED, 'o"dd\\')

    @pytest.mark.parametrize(
        "value",
        [
            "NoOneKnowsThis opaque-data=here",
            "Basic QWxh",
            "Digest",
            'Digest realm="other", nonce="n"',
            'Digest nonce="n"',
            "",
        ],
    )
    def test_what_is_not_for_us(self, value: str) -> None:
        """Other schemes and realms are as good as nothing."""
        assert verdict(challenger(), value) == Verdict(outcome=Outcome.NONE)

    def test_the_best_of_several(self) -> None:
        """One right answer among others is enough; beyond four nobody looks."""
        server = challenger(algorithms=(MD5,))
        challenges = server.challenges(CountingIds(), 1.0)
        wrong, right = answer(challenges, password="x"), answer(challenges)

        assert verdict(server, wrong, "Basic x", right).outcome is Outcome.GRANTED
        assert verdict(server, *[wrong] * 4, answer(challenges, nc=2)).outcome is Outcome.DENIED

    @pytest.mark.parametrize(
        ("old", "new"),
        [
            ("uri=", "url="),
            ("nonce=", "once="),
            ("username=", "user="),
            ("response=", "res="),
            ("qop=auth", "qop=auth-int"),
            ("nc=00000001", "nc=1"),
            ("nc=", "cn="),
            ("cnonce=", "c="),
            ("uri=", "uri=;"),
            ('uri="sip:elsewhere"', 'uri="sip:elsewhere'),
            ("qop=auth", "qop=auth, qop=auth"),
        ],
    )
    def test_broken_credentials(self, old: str, new: str) -> None:
        """A Digest that breaks its grammar is a syntax error, not a wrong password."""
        server = challenger(algorithms=(MD5,))
        value = answer(server.challenges(CountingIds(), 1.0))

        with pytest.raises(SipSyntaxError, match="authorization"):
            verdict(server, value.replace(old, new, 1))

    def test_phones_quote_what_they_like(self) -> None:
        """Quotes around qop, nc and algorithm, blanks around commas, capitals in the response."""
        server = challenger(algorithms=(MD5,))
        value = answer(server.challenges(CountingIds(), 1.0))
        value = value.replace("qop=auth", 'qop="auth"').replace("nc=00000001", 'nc="00000001"')
        value = value.replace("=MD5", '="md5"').replace(", ", " ,\t").replace("Digest ", "DIGEST \t")
        value = re.sub(r'(response=")([0-9a-f]+)', lambda match: match[1] + match[2].upper(), value)

        assert verdict(server, value).outcome is Outcome.GRANTED

    def test_no_algorithm_named_is_md5(self) -> None:
        """RFC 7616 3.3."""
        server = challenger(algorithms=(MD5,))
        value = answer(server.challenges(CountingIds(), 1.0))

        assert verdict(server, value.replace(", algorithm=MD5", "")).outcome is Outcome.GRANTED


class TestReplays:
    def test_a_count_is_good_once(self) -> None:
        """The same request again is stale, a higher count is fine, and so is one that was overtaken."""
        server = challenger()
        challenges = server.challenges(CountingIds(), 1.0)
        counts = [1, 1, 3, 2, 2, 200, 100, 201, 0]

        assert [verdict(server, answer(challenges, nc=nc)).outcome.value for nc in counts] == [
            "granted", "stale", "granted", "granted", "stale", "granted", "stale", "granted", "stale",
        ]  # fmt: skip

    def test_the_largest_count(self) -> None:
        """Eight digits of f: no arithmetic goes wild."""
        server = challenger()
        challenges = server.challenges(CountingIds(), 1.0)

        assert verdict(server, answer(challenges, nc=0xFFFFFFFF)).outcome is Outcome.GRANTED
        assert verdict(server, answer(challenges, nc=1)).outcome is Outcome.STALE

    def test_without_qop_a_nonce_is_good_once(self) -> None:
        """There is no count to tell a replay by."""
        server = challenger(algorithms=(MD5,))
        (challenge,) = server.challenges(CountingIds(), 1.0)
        value = answer((challenge.replace(', qop="auth"', ""),))

        assert [verdict(server, value).outcome for _ in range(2)] == [Outcome.GRANTED, Outcome.STALE]

    @pytest.mark.parametrize(
        ("now", "outcome"), [(300.9, Outcome.GRANTED), (301.0, Outcome.STALE), (0.5, Outcome.STALE)]
    )
    def test_a_nonce_lives_its_time(self, now: float, outcome: Outcome) -> None:
        """Right password, old nonce: stale, so that the phone does not ask its user again."""
        server = challenger()

        assert verdict(server, answer(server.challenges(CountingIds(), 1.0)), now=now).outcome is outcome

    @pytest.mark.parametrize("nonce", ["", "n", "3e8.01." + "0" * 32])
    def test_a_nonce_we_never_gave(self, nonce: str) -> None:
        """Stale with the right password, denied with a wrong one."""
        server = challenger(algorithms=(MD5,))
        challenge = (f'Digest realm="{REALM}", nonce="{nonce}", algorithm=MD5, qop="auth"',)

        assert verdict(server, answer(challenge)).outcome is Outcome.STALE
        assert verdict(server, answer(challenge, password="x")).outcome is Outcome.DENIED

    def test_a_nonce_of_another_server(self) -> None:
        """Another secret, another seal."""
        other = Challenger(realm=REALM, secret=b"fedcba9876543210", reads_all=None)

        assert verdict(challenger(), answer(other.challenges(CountingIds(), 1.0))).outcome is Outcome.STALE


class TestNonceBook:
    def book(self, capacity: int = 3) -> NonceBook:
        return NonceBook(secret=SECRET, realm=REALM, life_s=10.0, capacity=capacity)

    def test_memory_is_bounded_and_forgetting_is_safe(self) -> None:
        """A nonce pushed out of the table is never good again; a younger one is."""
        book = self.book()
        nonces = [book.issue(f"{n:x}", float(n)) for n in range(5)]

        assert [book.use(nonce, 1, 5.0) for nonce in nonces[:4]] == [True] * 4
        assert len(book) == 3
        assert not book.use(nonces[0], 2, 5.0)
        assert book.use(nonces[4], 1, 5.0)
        assert len(book) == 3

    def test_old_nonces_leave_first(self) -> None:
        """What has expired makes room before anything else is forgotten."""
        book = self.book()
        old, young = book.issue("1", 0.0), book.issue("2", 8.0)

        assert book.use(old, 1, 9.0)
        assert book.use(young, 1, 12.0)
        assert len(book) == 1

    def test_asking_costs_no_memory(self) -> None:
        """Issuing remembers nothing."""
        book = self.book()
        for n in range(1000):
            book.issue(f"{n:x}", 1.0)

        assert len(book) == 0


class TestClient:
    def test_the_first_readable_challenge(self) -> None:
        """Unknown schemes, algorithms and protections are passed over."""
        value = answer(
            (
                'Basic realm="x"',
                f'Digest realm="{REALM}", nonce="n", algorithm=SHA-512-256, qop="auth"',
                f'Digest realm="{REALM}", nonce="n", qop="auth-int"',
                f'Digest realm="{REALM}", nonce="n", algorithm=sha-256, qop="auth-int, auth", stale=TRUE',
            )
        )

        assert "algorithm=SHA-256, qop=auth, nc=00000001" in value

    def test_none_that_can_be_read(self) -> None:
        """None instead of an answer nobody wants."""
        assert authorize(["Basic x"], method="A", uri="b", user="c", password="d", cnonce="e") is None

    def test_stale_is_read_in_any_case(self) -> None:
        """TRUE is true."""
        found = parse_challenge('Digest realm="r", nonce="n", stale=TRUE')

        assert found == Challenge(realm="r", nonce="n", algorithm=MD5, qop=False, stale=True)

    @pytest.mark.parametrize("value", ['Digest realm="r"', 'Digest nonce="n"', "Digest realm"])
    def test_broken_challenges(self, value: str) -> None:
        """A syntax error."""
        with pytest.raises(SipSyntaxError, match="www-authenticate"):
            parse_challenge(value)
