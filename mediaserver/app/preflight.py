"""What is looked at before anything starts: files that settings name, address and ports, open files, data directory."""

from __future__ import annotations

import errno
import os
import resource
import shutil
import socket
from pathlib import Path
from typing import Final

from callmodel.errors import ConfigError, StartError, reason_of
from dubber_uploader.client import trusted_roots
from mediaserver.app.config import Settings
from mediaserver.app.delivery import needs_another_platform, platform_config
from prompts import load_prompts
from spool import load_key_file
from spool.errors import WrongKeyError

MIN_FREE_BYTES: Final = 64 * 1024 * 1024
_LEAST_PAIRS: Final = 2
"""RTP ports of one call between two phones."""


def check_files(settings: Settings) -> None:
    """The files and the platform that settings name can be used; ConfigError names the setting."""
    if settings.recording.at_rest_key_file is not None:
        try:
            load_key_file(settings.recording.at_rest_key_file)
        except WrongKeyError as error:
            raise ConfigError(f"recording.at_rest_key_file: {error}") from error
    if settings.recording.prompts_dir is not None:
        try:
            load_prompts(settings.recording.prompts_dir)
        except ConfigError as error:
            raise ConfigError(f"recording.prompts_dir: {error}") from error
    if settings.runs("uploader") and needs_another_platform(settings):
        trusted_roots(platform_config(settings, None, Path()))


def check_machine(settings: Settings) -> None:
    """An address of this machine, free ports on it, and enough open files for them; StartError says what to do."""
    _check_address(settings.host)
    _check_open_files(settings)
    _check_rtp_ports(settings)


def _check_address(host: str) -> None:
    try:
        with socket.socket(_family(host), socket.SOCK_DGRAM) as probe:
            probe.bind((host, 0))
    except OSError as error:
        raise StartError(
            f"host: {host} cannot be listened on: {reason_of(error)}. Give an address of this machine (--host), or "
            "127.0.0.1"
        ) from error


def _check_rtp_ports(settings: Settings) -> None:
    low, high = settings.rtp_range
    first = low + low % 2
    pairs = range(first, high, 2)
    free = 0
    for port in pairs:
        free += _is_free(settings.host, port) and _is_free(settings.host, port + 1)
        if free == _LEAST_PAIRS:
            return
    raise StartError(
        f"rtp_ports: {free} of the {len(pairs)} pairs of ports in {low}-{high} are free on {settings.host}, and one "
        f"call needs {_LEAST_PAIRS}. Stop the program that has them, or choose others with --rtp-ports"
    )


def _is_free(host: str, port: int) -> bool:
    with socket.socket(_family(host), socket.SOCK_DGRAM) as probe:
        try:
            probe.bind((host, port))
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                return False
            raise
    return True


def _family(host: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in host else socket.AF_INET


def _check_open_files(settings: Settings) -> None:
    low, high = settings.rtp_range
    wanted = (high - low + 1) * 2 + 256
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < wanted:
        raised = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (raised, hard))
        soft = raised
    if soft < wanted:
        raise StartError(
            f"rtp_ports: {high - low + 1} ports need {wanted} open files, and this process may have {soft}; raise the "
            f"limit (ulimit -n {wanted}) or give fewer ports with --rtp-ports"
        )


def prepare_data_dir(data_dir: Path) -> None:
    """Make it and try it out; StartError says what is wrong with it."""
    try:
        data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        probe = data_dir / f".probe-{os.getpid()}"
        probe.write_bytes(b"x" * 4096)
        probe.unlink()
    except OSError as error:
        raise StartError(
            f"data_dir: {data_dir} cannot be written: {error.strerror}. Free some space or fix its permissions, or "
            "choose another with --data-dir"
        ) from error
    free = shutil.disk_usage(data_dir).free
    if free < MIN_FREE_BYTES:
        raise StartError(
            f"data_dir: only {free // 2**20} MiB are free in {data_dir}; a server needs {MIN_FREE_BYTES // 2**20} MiB "
            "to record at all. Free some space, or choose another with --data-dir"
        )
