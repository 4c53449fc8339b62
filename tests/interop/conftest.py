"""One carrier for all real phones of this room."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from catalog import Actor
from catalog.installing import set_auto_provisioning
from tests.support.server_process import ServerProcess, free_rtp_range, run_command, running
from tests.support.stage import PASSWORD

PEOPLE = """\
number,password,name,mode,notification,record_voicemail,mailbox,announce_internal
{plain}
3001,{p},Held Hanna,Always,,,,
3002,{p},Codec Carla,Always,,,,
3003,{p},Late Lars,Always with Pause/Resume,Beep,,,
3004,{p},Called Code,On Demand with User Initiated Start,Beep,,,
3005,{p},Both Ben,Always,,,,
3006,{p},Both Bea,Always with Pause/Resume,Beep,,,
3007,{p},Mailbox Mia,Always,,true,true,
3008,{p},Trunk Tom,Always,,,,
3009,{p},Basic Bob,On Demand with User Initiated Start,Beep,,,
3010,{p},Load Lea,Always,,,,
3011,{p},Alaw Ali,Always,,,,
3012,{p},Wide Wim,Always,,,,
3013,{p},Early Eve,Always,,,,true
3014,{p},Linphone Lia,On Demand with User Initiated Start,Beep,,,
"""
"""Subscribers beside the demo users; those of 3xxx have no dub point, since they would be made by hand."""

CONFIG = """\
[calls]
max_load = 1.0
trusted_peers = ["127.0.0.2"]
"""


@pytest.fixture(scope="session")
def carrier(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """A server with demo users and the people above, imported while it runs."""
    folder: Path = tmp_path_factory.mktemp("carrier")
    with running(
        folder / "data", config=CONFIG, flags=("--media-workers", "2"), rtp_ports=free_rtp_range(400), pages=True
    ) as server:
        file = folder / "people.csv"
        plain = "\n".join(f"20{n:02},{PASSWORD},,Never,,,," for n in range(1, 30))
        file.write_text(PEOPLE.format(p=PASSWORD, plain=plain), "utf-8")
        set_auto_provisioning(server.catalog, False, actor=Actor(name="test"), now=datetime.now(UTC))
        since = server.mark()
        done = run_command("users", "import", str(file), "--data-dir", str(server.data_dir))
        assert done.returncode == 0, done.stderr
        server.wait_for("subscribers.reloaded", since=since)
        yield server
