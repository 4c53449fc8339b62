"""Take the pictures of both portals that README shows, into ``docs/pictures``.

A demo server is started and filled with invented people and calls; a real phone makes the call that is heard. Needs
Chromium and the test libraries: ``.venv/bin/python scripts/take_pictures.py``.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

from playwright.async_api import Browser, ViewportSize
from sqlalchemy import update
from sqlalchemy.orm import Session

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from bench import platform_pages  # noqa: E402 - found by the path above
from dubber_platform.store.database import engine_of  # noqa: E402 - as above
from dubber_platform.store.schema import Recording, User  # noqa: E402 - as above
from tests.support.browser import visitor  # noqa: E402 - as above
from tests.support.busy_day import BusyDay, busy_day  # noqa: E402 - as above
from tests.support.chromium import open_browser  # noqa: E402 - as above
from tests.support.server_process import running  # noqa: E402 - as above
from webkit.passwords import hash_password  # noqa: E402 - as above

PICTURES = ROOT / "docs" / "pictures"
SIZE = ViewportSize(width=1280, height=800)
LIBRARIAN, PASSWORD = "u1@acme.example", "only for pictures"
RECORDINGS, USERS = 400, 300


def fill(data_dir: Path) -> None:
    """A company with many recordings on the platform, and somebody who may see them."""
    engine = engine_of(f"sqlite:///{data_dir / 'dubber' / 'platform.sqlite'}")
    with Session(engine) as session, session.begin():
        platform_pages.fill(session, RECORDINGS, USERS)
        session.execute(update(Recording).values(expiry_time=datetime.now(UTC) + timedelta(days=90)))
        librarian = update(User).where(User.username == LIBRARIAN)
        session.execute(librarian.values(password_hash=hash_password(PASSWORD), first_name="Ann", last_name="Martin"))
    engine.dispose()


async def take(browser: Browser, day: BusyDay, site: str, login: tuple[str, str], pages: dict[str, str]) -> None:
    """Pictures of some pages, as somebody sees them."""
    async with visitor(browser, day.site(site), language="en", size=SIZE) as one:
        await one.sign_in(*login)
        for name, path in pages.items():
            await one.go(path)
            if await one.page.locator(".player").count():
                await one.page.locator(".player.ready").wait_for()
            await one.page.screenshot(path=PICTURES / f"{name}.png", animations="disabled", caret="initial")
            print(f"docs/pictures/{name}.png {(PICTURES / f'{name}.png').stat().st_size / 1000:.0f} kB")


async def take_all(day: BusyDay) -> None:
    """All of them."""
    carrier = {"carrier-recording": "/users/1005/recording"}
    recording = {"dubber-recording": f"/recordings/{day.facts['recording']}"}
    async with open_browser() as browser:
        await take(browser, day, "carrier", day.login("administrator"), carrier)
        await take(browser, day, "dubber", day.login("Dubber"), recording)
        await take(browser, day, "dubber", (LIBRARIAN, PASSWORD), {"dubber-recordings": "/recordings"})


def main() -> None:
    """Start, fill, call, take."""
    PICTURES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch:
        data_dir = Path(scratch) / "data"
        with running(data_dir, pages=True):
            pass
        fill(data_dir)
        with running(data_dir, pages=True) as server, busy_day(server, Path(scratch)) as day:
            asyncio.run(take_all(day))


if __name__ == "__main__":
    main()
