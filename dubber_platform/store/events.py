"""Events for rest hooks: queued in the same transaction as what they tell of."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from dubber_platform.store.schema import Delivery, Group, Notification, Recording
from dubber_platform.store.visibility import ACTIVE, GROUP_DEPTH_MAX

CREATED, UPDATED = "recording.create", "recording.update"


def announce(session: Session, recording: Recording, event_type: str, now: datetime) -> None:
    """Queue an event for every active hook of the recording's account and of the groups above it."""
    if recording.status != ACTIVE:
        return
    listening = select(Notification.id).where(
        Notification.status == "Active",
        Notification.event_type == event_type,
        or_(
            Notification.account_id == recording.account_id,
            Notification.group_id.in_(_groups_above(session, recording.group_id)),
        ),
    )
    for notification_id in session.scalars(listening).all():
        queue(session, notification_id, recording.id, event_type, now)


def queue(session: Session, notification_id: str, recording_id: int, event_type: str, now: datetime) -> None:
    """One event for one hook, due at once."""
    session.add(
        Delivery(
            notification_id=notification_id,
            recording_id=recording_id,
            event_type=event_type,
            created_at=now,
            due_at=now,
        )
    )


def _groups_above(session: Session, group_id: str) -> list[str]:
    groups = [group_id]
    while len(groups) < GROUP_DEPTH_MAX:
        group = session.get(Group, groups[-1])
        if group is None or group.parent_id is None:
            break
        groups.append(group.parent_id)
    return groups
