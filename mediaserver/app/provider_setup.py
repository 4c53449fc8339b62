"""What is set up when a server starts: the configured group, the demo's, and identifiers of users that have none."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from callmodel.errors import ConfigError
from catalog import Actor, Catalog
from catalog.enabling import identify_all
from catalog.installing import accept_terms, install_configured, install_group
from dubber_platform.server import RunningPlatform
from mediaserver.app.config import Settings

DEMO: Final = Actor(name="demo")
NO_UPLOADER: Final = "the uploader does not run (it was left out at the start): nobody can be made known to Dubber"


def set_up_provider(settings: Settings, catalog: Catalog, platform: RunningPlatform | None, now: datetime) -> None:
    """Install what configuration or demo say, unless somebody set it since; ConfigError names what does not fit."""
    try:
        identify_all(catalog, domain=settings.domain, now=now)
    except ValueError as error:
        raise ConfigError(f"domain: {error}; choose a shorter one") from error
    try:
        install_configured(catalog, settings.uploader.group_id, now=now)
    except ValueError as error:
        raise ConfigError(f"uploader.{error}") from error
    built_in = platform is not None and not settings.uploader.base_url
    if settings.demo_users and built_in and catalog.provider.read().group_id is None:
        assert platform is not None
        _install_demo(catalog, platform, now)
    if not settings.runs("uploader"):
        catalog.provisioning.stand_still(NO_UPLOADER, now=now)


def _install_demo(catalog: Catalog, platform: RunningPlatform, now: datetime) -> None:
    """The built-in platform's group, with the account that ``mediaserver info`` tells of."""
    known = platform.credentials
    install_group(catalog, known["group_id"], group_name="Demo group", actor=DEMO, now=now)
    accept_terms(catalog, actor=DEMO, now=now)
    catalog.provider.set_account(known["account_id"], group_id=known["group_id"], now=now)
