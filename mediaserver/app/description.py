"""What a running server tells about itself: ``mediaserver info``, the ready file, and the pages' links."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from yarl import URL

from dubber_platform.portal.site import PREFIX as PORTAL_PREFIX
from dubber_platform.server import RunningPlatform
from mediaserver.app.certificates import Certificates
from mediaserver.app.config import Settings, reachable
from mediaserver.runtime.server import Addresses
from portals import prefixes


@dataclass(frozen=True, slots=True, kw_only=True)
class FirstDoors:
    """What ``mediaserver info`` may tell about getting in."""

    logins: tuple[dict[str, str], ...] = ()
    """``role, username, password`` each."""
    api_token: str = field(default="", repr=False)


def sip_addresses(settings: Settings, addresses: Addresses) -> dict[str, str]:
    """``host:port`` by transport, as a client can use it."""
    listening = (("udp", addresses.udp), ("tcp", addresses.tcp), ("tls", addresses.tls))
    return {key: reachable(value, settings.reachable_host) for key, value in listening if value}


def dubber_portal(settings: Settings, platform: RunningPlatform | None) -> str:
    """Of the built-in platform; empty when the platform is somebody else's."""
    if platform is None:
        return ""
    return reachable(str(URL(platform.base).with_path(PORTAL_PREFIX + "/")), settings.reachable_host)


def described_platform(
    settings: Settings, platform: RunningPlatform | None, certificates: Certificates
) -> dict[str, str]:
    """Where the built-in platform's API is, and who may use it."""
    if platform is None:
        return {}
    return {
        **platform.credentials,
        "base": reachable(platform.base, settings.reachable_host),
        "ca_file": str(certificates.ca_file.resolve()),
    }


def described_doors(
    settings: Settings, platform: RunningPlatform | None, first: FirstDoors, http: str
) -> dict[str, Any]:
    """How people and programs get in."""
    logins = [{"url": f"{http}{prefixes.ADMIN}/", **login} for login in first.logins]
    if platform is not None:
        names = {name: platform.credentials[name] for name in ("username", "password")}
        logins.append({"url": dubber_portal(settings, platform), "role": "Dubber", **names})
    webex = {"base": f"{http}{prefixes.WEBEX}", "token": first.api_token} if settings.runs("portals") else {}
    return {"webex": webex, "logins": logins}
