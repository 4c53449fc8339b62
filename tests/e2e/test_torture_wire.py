"""The torture messages of RFC 4475 and RFC 5118, sent over real sockets to the running product."""

from __future__ import annotations

import os
import re
import selectors
import socket
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest

from mediaserver.sip.framing import StreamFramer
from tests.support.server_process import ServerProcess, run_command, running
from tests.support.torture import TortureCase, corpus, torture_cases

pytestmark = pytest.mark.e2e

CASES = torture_cases()
QUIET_S = 1.5
"""When no answer came for so long, none comes: many times what an answer takes."""
ON_STREAMS: dict[str, int | str] = {"clerr": "none", "baddn": "none", "inv2543": 400}
"""Where a stream differs: a Content-Length larger than the body, and a head without its empty line, are waited on;
without a Content-Length nothing can be framed (RFC 3261 18.3)."""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """One server meets them all."""
    with running(tmp_path_factory.mktemp("torture") / "data", config="[calls]\nmax_load = 1.0\n") as one:
        yield one


@dataclass(slots=True)
class Sender:
    """One socket that sent one message, and the statuses that came back."""

    name: str
    sock: socket.socket
    framer: StreamFramer | None = None
    statuses: list[int] = field(default_factory=list)

    def read(self) -> bool:
        """Take what came; False when the other side has closed."""
        data = self.sock.recv(65536)
        if self.framer is None:
            messages = [data]
        else:
            messages = [item for item in self.framer.feed(data) if isinstance(item, bytes)]
        self.statuses += [int(message[8:11]) for message in messages if message.startswith(b"SIP/2.0 ")]
        return bool(data)

    @property
    def final(self) -> int | str:
        """The last status, or ``none``."""
        return self.statuses[-1] if self.statuses else "none"


def via_port(data: bytes) -> int:
    """Where replies go when the message has no ``rport`` (RFC 3261 18.2.2): the port of its first Via, else 5060."""
    found = re.search(rb"(?im)^(?:via|v)[ \t]*:[^;\r\n]*?[^:\s]:(\d{1,5})\s*(?:;|\r|$)", data)
    return int(found[1]) if found else 5060


def renamed(data: bytes, name: str) -> bytes:
    """The message with a branch and a Call-ID of its own.

    Many of the RFC's share theirs; the second of two would be taken for a retransmission of the first.
    """
    own = name.encode()
    data = re.sub(rb"(?i)(branch=\s*z9hG4bK)(?=[^\s;,])", rb"\g<1>" + own, data, count=1)
    return re.sub(rb"(?im)^((?:call-id|i)[ \t]*:\s*)", rb"\g<1>" + own, data, count=1)


def gather(senders: list[Sender]) -> dict[str, int | str]:
    """The final answer to each message, once it has been quiet for a while."""
    with selectors.DefaultSelector() as selector:
        for sender in senders:
            selector.register(sender.sock, selectors.EVENT_READ, sender)
        deadline = time.monotonic() + 15
        while selector.get_map() and time.monotonic() < deadline and (ready := selector.select(QUIET_S)):
            for key, _ in ready:
                if not key.data.read():
                    selector.unregister(key.fileobj)
    for sender in senders:
        sender.sock.close()
    return {sender.name: sender.final for sender in senders}


@pytest.fixture(scope="module")
def by_udp(server: ServerProcess) -> dict[str, int | str]:
    """Each message from an address of its own and from the port its Via names, so that the reply arrives anyhow."""
    senders = []
    for index, case in enumerate(CASES):
        sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        sock.bind((f"127.0.9.{index + 1}", via_port(case.data)))
        sock.sendto(renamed(case.data, f"u{index}"), ("127.0.0.1", server.sip_port))
        senders.append(Sender(case.name, sock))
    return gather(senders)


@pytest.fixture(scope="module")
def by_tcp(server: ServerProcess) -> dict[str, int | str]:
    """Each message over a connection of its own."""
    senders = []
    for index, case in enumerate(CASES):
        source = (f"127.0.8.{index + 1}", 0)
        sock = socket.create_connection(("127.0.0.1", server.sip_port), 10, source_address=source)
        sock.sendall(renamed(case.data, f"t{index}"))
        senders.append(Sender(case.name, sock, StreamFramer()))
    return gather(senders)


def fits(answer: int | str, wanted: int | str) -> bool:
    """``2xx`` stands for a class, ``none`` for silence."""
    if isinstance(wanted, str) and wanted[0].isdigit():
        return str(answer)[0] == wanted[0]
    return answer == wanted


def test_the_corpus_is_present_where_it_must_be() -> None:
    """In CI an absent corpus is an error; elsewhere the lane is told as not run."""
    if corpus() is None:
        sys.stderr.write("torture lane over the wire: did not run, no corpus (set MEDIASERVER_CORPORA)\n")
        assert os.environ.get("CI") != "true", "the torture corpus is missing"
    else:
        assert len(CASES) == 61


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_the_answer_over_udp_is_one_the_rfc_allows(case: TortureCase, by_udp: dict[str, int | str]) -> None:
    """Among the allowed answers, not among the forbidden ones."""
    answer = by_udp[case.name]
    assert any(fits(answer, wanted) for wanted in case.allowed), (answer, case.allowed)
    assert not any(fits(answer, wanted) for wanted in case.forbid), (answer, case.forbid)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_the_answer_over_tcp_is_one_the_rfc_allows(case: TortureCase, by_tcp: dict[str, int | str]) -> None:
    """The same on a stream, where a message may also be waited for."""
    answer = by_tcp[case.name]
    if case.name in ON_STREAMS:
        assert answer == ON_STREAMS[case.name]
        return
    assert any(fits(answer, wanted) for wanted in case.allowed), (answer, case.allowed)
    assert not any(fits(answer, wanted) for wanted in case.forbid), (answer, case.forbid)


@pytest.mark.parametrize("cut", [1, 7, 64])
def test_messages_in_pieces_are_answered_alike(server: ServerProcess, cut: int) -> None:
    """An OPTIONS in pieces of any size over one connection gets its 200 each time."""
    with socket.create_connection(("127.0.0.1", server.sip_port), 10) as sock:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sender = Sender("pieces", sock, StreamFramer())
        for number in range(2):
            message = (
                f"OPTIONS sip:127.0.0.1:{server.sip_port} SIP/2.0\r\n"
                f"Via: SIP/2.0/TCP 127.0.0.1:9;branch=z9hG4bK{cut}.{number}\r\nMax-Forwards: 70\r\n"
                "From: <sip:a@127.0.0.1>;tag=1\r\nTo: <sip:127.0.0.1>\r\n"
                f"Call-ID: {cut}.{number}\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n"
            ).encode()
            for start in range(0, len(message), cut):
                sock.sendall(message[start : start + cut])
            while len(sender.statuses) <= number:
                assert sender.read()
        assert sender.statuses == [200, 200]


def test_the_server_still_takes_a_call(
    server: ServerProcess, by_udp: dict[str, int | str], by_tcp: dict[str, int | str]
) -> None:
    """After all of it: registered, answered, heard, and nothing went wrong inside."""
    done = run_command(
        *("call", "--data-dir", str(server.data_dir), "--from", "1001", "--to", "9003", "--duration", "1.5"),
        *("--expect", "answered", "--expect", "tone:1004"),
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert server.troubles() == []
    assert len(by_udp) == len(by_tcp) == len(CASES)
