"""The platform started and stopped as the composition root and the command line do it."""

from __future__ import annotations

import asyncio
import json
import signal
import ssl
import stat
import sys
from pathlib import Path

import aiohttp
import pytest

from dubber_platform import PlatformConfig, PlatformStartError, run_platform
from tests.support.dubber import self_signed

pytestmark = pytest.mark.e2e


def with_certificate(directory: Path) -> PlatformConfig:
    """A platform on a free port."""
    certificate, key = self_signed()
    (directory / "cert.pem").write_bytes(certificate)
    (directory / "key.pem").write_bytes(key)
    return PlatformConfig(
        data_dir=directory / "data", port=0, cert_file=directory / "cert.pem", key_file=directory / "key.pem"
    )


async def sign_in(credentials: dict[str, str], cert_file: Path) -> dict[str, str]:
    """POST /token with what the platform told of itself."""
    form = {name: credentials[name] for name in ("client_id", "client_secret", "username", "password")}
    trusted = ssl.create_default_context(cafile=str(cert_file))
    async with (
        aiohttp.ClientSession() as client,
        client.post(credentials["base"] + "/token", data={"grant_type": "password", **form}, ssl=trusted) as answer,
    ):
        token: dict[str, str] = await answer.json()
        return token


async def test_a_platform_starts_tells_its_access_and_stops(tmp_path: Path) -> None:
    """A second start on the same directory has the same access."""
    config = with_certificate(tmp_path)
    first = await run_platform(config)
    token = await sign_in(first.credentials, tmp_path / "cert.pem")
    await first.stop()
    second = await run_platform(config)
    await second.stop()
    assert token["token_type"] == "bearer"
    assert sorted(first.credentials) == [
        *("account_id", "base", "client_id", "client_secret", "group_id", "password", "username"),
    ]
    same = {name: value for name, value in first.credentials.items() if name != "base"}
    assert same == {name: value for name, value in second.credentials.items() if name != "base"}
    assert stat.S_IMODE((tmp_path / "data" / "seed.json").stat().st_mode) == 0o600
    assert [task.get_name() for task in asyncio.all_tasks() if task.get_name().startswith("platform")] == []


async def test_a_port_that_is_taken_is_named(tmp_path: Path) -> None:
    """And nothing is left running."""
    config = with_certificate(tmp_path)
    running = await run_platform(config)
    port = int(running.base.split(":")[2].split("/")[0])
    taken = PlatformConfig(data_dir=tmp_path / "other", port=port, cert_file=config.cert_file, key_file=config.key_file)
    with pytest.raises(PlatformStartError, match=rf"cannot listen on 127\.0\.0\.1 port {port}"):
        await run_platform(taken)
    await running.stop()


@pytest.mark.parametrize("cert", [None, Path("nowhere.pem")])
async def test_without_a_certificate_there_is_no_platform(tmp_path: Path, cert: Path | None) -> None:
    """The setting is named."""
    with pytest.raises(PlatformStartError, match="cert_file"):
        await run_platform(PlatformConfig(data_dir=tmp_path, cert_file=cert, key_file=cert))


async def test_without_its_pages_built_there_is_no_platform(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What to do is said."""
    monkeypatch.setattr("webkit.assets.MANIFEST", "never-built.json")
    with pytest.raises(PlatformStartError, match=r"there is no never-built\.json in .*: make setup") as told:
        await run_platform(with_certificate(tmp_path))
    assert told.value.setting == ""


async def test_the_platform_runs_alone(tmp_path: Path) -> None:
    """``python -m dubber_platform`` prints its access, answers, and ends on SIGTERM."""
    config = with_certificate(tmp_path)
    files = ["--cert", str(config.cert_file), "--key", str(config.key_file)]
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "dubber_platform", "--data-dir", str(config.data_dir), "--port", "0", *files),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    assert process.stdout is not None
    try:
        async with asyncio.timeout(60):
            access = json.loads(await process.stdout.readline())
            token = await sign_in(access, tmp_path / "cert.pem")
            process.send_signal(signal.SIGTERM)
            assert (token["token_type"], await process.wait()) == ("bearer", 0)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
