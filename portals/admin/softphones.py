"""Settings files for softphones, and the picture that carries their address to a mobile phone.

Where the formats are described: liblinphone's provisioning keys (sections ``proxy_N`` and ``auth_info_N`` in XML);
Zoiper's ``Config.xml`` and its token answer; MicroSIP's own ``microsip.ini``; baresip's ``accounts`` file.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final
from xml.sax.saxutils import escape

import segno

from portals.services import Reachable

EXPIRES_S: Final = 600
"""How long a phone registers for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PhoneAccount:
    """What a phone needs to know."""

    number: str
    name: str
    server: str
    """``host:port`` for UDP; a phone takes it for the domain, too."""
    realm: str
    """What the server names in its challenge; few phones ask for it."""
    password: str = field(default="", repr=False)
    """Empty: the phone's owner types it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SettingsFile:
    """One softphone's file."""

    kind: str
    app: str
    file_name: str
    content_type: str
    write: Callable[[PhoneAccount], str]
    tried: bool
    """The program itself has registered here with such a file; the others are written by their documentation."""


def account_for(number: str, name: str, realm: str, reachable: Reachable, password: str = "") -> PhoneAccount:
    """The account of a user on this server."""
    server = reachable.sip.get("udp") or next(iter(reachable.sip.values()), realm)
    return PhoneAccount(number=number, name=name or number, server=server, realm=realm, password=password)


def _linphone(account: PhoneAccount) -> str:
    user, server = account.number, account.server
    sections: Mapping[str, Mapping[str, str]] = {
        # once is enough: the file is gone when the application asks for it at its next start
        "misc": {"transient_provisioning": "1"},
        "sip": {"default_proxy": "0", "media_encryption": "none"},
        "proxy_0": {
            "reg_proxy": f"<sip:{server};transport=udp>",
            "reg_identity": f'"{_unquoted(account.name)}" <sip:{user}@{server}>',
            "reg_expires": str(EXPIRES_S),
            "reg_sendregister": "1",
            "publish": "0",
            "realm": account.realm,
        },
        "auth_info_0": {
            "username": user,
            "userid": user,
            **({"passwd": account.password} if account.password else {}),
            "realm": account.realm,
        },
    }
    lines = ['<?xml version="1.0" encoding="UTF-8"?>', '<config xmlns="http://www.linphone.org/xsds/lpconfig.xsd">']
    for section, entries in sections.items():
        lines.append(f'  <section name="{section}">')
        lines += [
            f'    <entry name="{name}" overwrite="true">{escape(_one_line(value))}</entry>'
            for name, value in entries.items()
        ]
        lines.append("  </section>")
    return "\n".join([*lines, "</config>", ""])


def _zoiper(account: PhoneAccount) -> str:
    entries = {
        "tech": "0",
        "name": f"{account.number}@{account.server}",
        "username": account.number,
        "authentication_username": account.number,
        "password": account.password,
        "context": account.server,
        "callerid": account.name,
        "register_on_startup": "1",
        "reregistration_time": str(EXPIRES_S),
    }
    inside = [f"      <{name}>{escape(_one_line(value))}</{name}>" for name, value in entries.items()]
    return "\n".join(
        [
            '<?xml version="1.0" encoding="UTF-8"?>',
            "<options>",
            "  <accounts>",
            "    <account>",
            *inside,
            "    </account>",
            "  </accounts>",
            "</options>",
            "",
        ]
    )


def _microsip(account: PhoneAccount) -> str:
    entries = {
        "label": account.name,
        "server": account.server,
        "proxy": "",
        "domain": account.server,
        "username": account.number,
        "password": account.password,
        "authID": account.number,
        "displayName": account.name,
        "transport": "udp",
        "publicAddr": "",
        "SRTP": "",
        "registerRefresh": str(EXPIRES_S),
        "keepAlive": "15",
        "publish": "0",
        "ICE": "0",
        "allowRewrite": "0",
        "disableSessionTimer": "0",
    }
    account_lines = [f"{name}={_one_line(value)}" for name, value in entries.items()]
    # Windows reads files of this kind by lines that end in CR LF
    return "\r\n".join(["[Settings]", "accountId=1", "", "[Account1]", *account_lines, ""])


def _baresip(account: PhoneAccount) -> str:
    password = f";auth_pass={account.password}" if account.password else ""
    return (
        f'"{_unquoted(account.name)}" <sip:{account.number}@{account.server};transport=udp>'
        f";auth_user={account.number}{password};regint={EXPIRES_S};audio_codecs=G722/16000/1,PCMA/8000/1,PCMU/8000/1\n"
    )


FILES: Final[Mapping[str, SettingsFile]] = {
    file.kind: file
    for file in (
        SettingsFile(
            kind="linphone",
            app="Linphone",
            file_name="linphone.xml",
            content_type="application/xml",
            write=_linphone,
            tried=True,
        ),
        SettingsFile(
            kind="zoiper",
            app="Zoiper",
            file_name="Config.xml",
            content_type="application/xml",
            write=_zoiper,
            tried=False,
        ),
        SettingsFile(
            kind="microsip",
            app="MicroSIP",
            file_name="microsip.ini",
            content_type="text/plain",
            write=_microsip,
            tried=False,
        ),
        SettingsFile(
            kind="baresip",
            app="baresip",
            file_name="accounts",
            content_type="text/plain",
            write=_baresip,
            tried=True,
        ),
    )
}
QR_KIND: Final = "qr"
"""The Linphone file behind the QR code: fetched by the phone, apart from the one that a browser fetches."""


def qr_svg(text: str) -> str:
    """A QR code as a ``data:`` address for an image; dark on light in either theme, for cameras want it so."""
    return segno.make(text, error="m").svg_data_uri(scale=4, border=4, dark="#000", light="#fff")


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _unquoted(text: str) -> str:
    return _one_line(text.replace('"', "").replace("\\", "").replace("<", "").replace(">", ""))
