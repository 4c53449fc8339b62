"""Where a running server is: written when it starts, read by ``mediaserver info`` and by other programs."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any, Final

from mediaserver.app.console import CommandError

RUN_DIR: Final = "run"
INFO_FILE: Final = "info.json"


def write_info(data_dir: Path, info: dict[str, Any]) -> Path:
    """Keep it for ``mediaserver info``; for this user only, since it holds demo passwords."""
    path = data_dir / RUN_DIR / INFO_FILE
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    write_private(path, {"pid": os.getpid(), "process": started_at(os.getpid()), **info})
    return path


def write_private(path: Path, info: dict[str, Any]) -> None:
    """A JSON file that only this user can read, there whole or not at all."""
    draft = path.with_suffix(f".{os.getpid()}")
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        json.dump(info, file, indent=2, ensure_ascii=False)
    draft.replace(path)


def read_info(data_dir: Path) -> dict[str, Any]:
    """Of the server that runs in this data directory; CommandError when none does."""
    path = data_dir / RUN_DIR / INFO_FILE
    try:
        info = json.loads(path.read_text("utf-8"))
    except FileNotFoundError as error:
        raise CommandError(f"no server runs in {data_dir}; start one: mediaserver run --data-dir {data_dir}") from error
    except (OSError, ValueError) as error:
        raise CommandError(f"{path} cannot be read: {error}") from error
    if not isinstance(info, dict) or not isinstance(info.get("sip"), dict):
        raise CommandError(f"{path} is not what a server writes; start the server again: mediaserver run")
    pid, process = info.pop("pid", None), info.pop("process", None)
    # A process id is given to another program one day; the same one, started at the same instant, is not.
    if not isinstance(pid, int) or not is_alive(pid) or started_at(pid) != process:
        raise CommandError(f"the server that ran in {data_dir} is gone; start it again: mediaserver run")
    return info


def forget_info(data_dir: Path) -> None:
    """The server stops."""
    (data_dir / RUN_DIR / INFO_FILE).unlink(missing_ok=True)


def is_alive(pid: int) -> bool:
    """A process of this number runs."""
    if pid <= 0:
        return False
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        return True
    return True


def started_at(pid: int) -> str | None:
    """When a process began, in the kernel's own count; None where the system does not tell (``proc(5)``, field 22)."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text("utf-8", "replace")
    except OSError:
        return None
    return stat.rpartition(")")[2].split()[19]
