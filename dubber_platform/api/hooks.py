"""Rest hooks: which of them an event is for."""

from __future__ import annotations

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from dubber_platform.api.access import GROUP_DEPTH_MAX
from dubber_platform.api.context import Platform
from dubber_platform.store.schema import Delivery, Group, Notification, Recording


def announce(session: Session, own: Platform, recording: Recording, event_type: str) -> None:
    """Queue an event for every active hook of the recording's account and of the groups above it."""
    if recording.status != "Active":
        return
    groups, group_id = [], recording.group_id
    for _ in range(GROUP_DEPTH_MAX):
        groups.append(group_id)
        group = session.get(Group, group_id)
        if group is None or group.parent_id is None:
            break
        group_id = group.parent_id
    listening = select(Notification.id).where(
        Notification.status == "Active",
        Notification.event_type == event_type,
        or_(Notification.account_id == recording.account_id, Notification.group_id.in_(groups)),
    )
    now = own.clock()
    session.add_all(
        Delivery(
            notification_id=notification_id,
            recording_id=recording.id,
            event_type=event_type,
            created_at=now,
            due_at=now,
        )
        for notification_id in session.scalars(listening).all()
    )
