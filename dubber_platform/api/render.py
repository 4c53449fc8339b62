"""The JSON of every resource."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from dubber_platform.api.context import Links
from dubber_platform.store.schema import Account, DubPoint, Group, Notification, Recording, User

Json = dict[str, Any]


def group_json(group: Group, links: Links) -> Json:
    """One group."""
    return {
        "self": links.to("groups", group.id),
        "id": group.id,
        "name": group.name,
        "group": group.parent_id and links.to("groups", group.parent_id),
        **_dated(group, links),
    }


def account_json(account: Account, links: Links) -> Json:
    """One account."""
    return {
        "self": links.to("accounts", account.id),
        "id": account.id,
        "name": account.name,
        "group": links.to("groups", account.group_id),
        "status": account.status,
        "dubber_address": account.dubber_address,
        "time_zone": account.time_zone,
        "address": account.address,
        "phone": account.phone,
        "metadata": account.details,
        **_dated(account, links),
    }


def user_json(user: User, links: Links) -> Json:
    """One user."""
    return {
        "self": links.to("users", user.id),
        "id": user.id,
        "account": user.account_id and links.to("accounts", user.account_id),
        "role": user.role,
        "username": user.username,
        "first_name": user.first_name,
        "last_name": user.last_name,
        "confirmed": user.confirmed,
        "mobile_number": user.mobile_number,
        "language": user.language,
        **_dated(user, links),
    }


def dub_point_json(dub_point: DubPoint, links: Links) -> Json:
    """One dub point; ``account`` and ``user`` are null while it is unidentified."""
    return {
        "self": links.to("dub_points", dub_point.id),
        "id": dub_point.id,
        "account": dub_point.account_id and links.to("accounts", dub_point.account_id),
        "user": dub_point.user_id and links.to("users", dub_point.user_id),
        "type": dub_point.type,
        "label": dub_point.label,
        "product": dub_point.product,
        "external_type": dub_point.external_type,
        "service_provider": dub_point.service_provider,
        "external_group": dub_point.external_group,
        "external_identifier": dub_point.external_identifier,
        "number": dub_point.number,
        "playback": dub_point.playback,
        "status": dub_point.status,
        "ai": dub_point.ai,
        **_dated(dub_point, links),
    }


def recording_json(recording: Recording, tags: Iterable[str], links: Links) -> Json:
    """One recording as lists show it; size, digest, star and hold are this platform's own additions."""
    return {
        "self": links.to("recordings", str(recording.id)),
        "id": str(recording.id),
        "to": recording.to,
        "to_label": recording.to_label,
        "from": recording.from_,
        "from_label": recording.from_label,
        "call_type": recording.call_type,
        "recording_type": recording.recording_type,
        "channel": recording.channel,
        "status": recording.status,
        "start_time": links.date(recording.start_time),
        "end_time": _date(recording.end_time, links),
        "duration": recording.duration,
        "expiry_time": links.date(recording.expiry_time),
        "dub_point_id": recording.dub_point_id,
        "type": "audio",
        "document_sentiment": None,
        "tags": sorted(tags),
        "starred": recording.starred,
        "legal_hold": recording.legal_hold,
        "metadata": recording.details,
        "meta_tags": recording.meta_tags,
        "size": recording.size,
        "content_sha256": recording.sha256,
        **_dated(recording, links),
    }


def recording_details_json(recording: Recording, tags: Iterable[str], links: Links) -> Json:
    """One recording by itself; ``recording_url`` is added for a listener."""
    return {
        **recording_json(recording, tags, links),
        "account": recording.account_id and links.to("accounts", recording.account_id),
        "user": recording.user_id and links.to("users", recording.user_id),
        "transfers": recording.transfers,
        "additional_parties": recording.additional_parties,
        "do_not_record": recording.withheld_reason or None,
        "errors": [],
    }


def notification_json(notification: Notification, links: Links) -> Json:
    """One rest hook; its secret is never shown."""
    return {
        "self": links.to("notifications", notification.id),
        "id": notification.id,
        "account": notification.account_id and links.to("accounts", notification.account_id),
        "group": notification.group_id and links.to("groups", notification.group_id),
        "post_url": notification.post_url,
        "event_type": notification.event_type,
        "include_data": notification.include_data,
        "status": notification.status,
        "error": notification.error,
        **_dated(notification, links),
    }


def _dated(row: Group | Account | User | DubPoint | Recording | Notification, links: Links) -> Json:
    return {"date_created": links.date(row.date_created), "date_updated": links.date(row.date_updated)}


def _date(instant: datetime | None, links: Links) -> str | None:
    return None if instant is None else links.date(instant)
