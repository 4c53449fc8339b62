"""Rest hooks: telling them of events, with a bounded number of tries. What is told is queued in ``store/events.py``."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import traceback
from dataclasses import dataclass
from datetime import timedelta

import aiohttp
import structlog
from sqlalchemy import select
from sqlalchemy.orm import Session

from dubber_platform.api.context import Links, Platform
from dubber_platform.api.dates import rfc2822
from dubber_platform.api.render import Json, recording_details_json
from dubber_platform.store.events import queue
from dubber_platform.store.recordings import tags_of
from dubber_platform.store.schema import Delivery, Notification, Recording

log = structlog.get_logger("dubber_platform")

CONFIRM = "hook.confirm"
"""The first delivery of a hook: its receiver answers with the same ``X-Hook-Secret``, or activates it later."""
POLL_S = 1.0
FIRST_RETRY_S = 10
TIMEOUT = aiohttp.ClientTimeout(total=15, connect=5)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Message:
    """One delivery, ready to be sent."""

    delivery_id: int
    url: str
    secret: str
    is_confirmation: bool
    payload: bytes


def queue_confirmation(session: Session, own: Platform, notification: Notification) -> None:
    """Queue the hand-shake of a new hook."""
    queue(session, notification.id, 0, CONFIRM, own.clock())


async def deliver_forever(own: Platform, origin: str) -> None:
    """Look for due deliveries every second, until cancelled; ``origin`` begins the links inside."""
    async with aiohttp.ClientSession(timeout=TIMEOUT, trust_env=False) as client:
        while True:
            try:
                await deliver_due(own, client, origin)
            except Exception:
                log.error("platform.delivery_failed", trace=traceback.format_exc())
            await asyncio.sleep(POLL_S)


async def deliver_due(own: Platform, client: aiohttp.ClientSession, origin: str) -> int:
    """Try everything that is due once; how many were tried."""
    to = Links(origin=own.config.public_url or origin, base_path=own.config.base_path, date=rfc2822)
    messages = await own.database.run(lambda session: _due(session, own, to))
    for message in messages:
        await _deliver(own, client, message)
    return len(messages)


async def _deliver(own: Platform, client: aiohttp.ClientSession, message: _Message) -> None:
    headers = {"Content-Type": "application/json"}
    if message.is_confirmation:
        headers["X-Hook-Secret"] = message.secret
    else:
        headers["X-Hook-Signature"] = hmac.new(message.secret.encode(), message.payload, hashlib.sha256).hexdigest()
    echoed, fault = "", None
    try:
        async with client.post(message.url, data=message.payload, headers=headers, allow_redirects=False) as answer:
            echoed = answer.headers.get("X-Hook-Secret", "")
            if not 200 <= answer.status < 300:
                fault = f"the receiver answered {answer.status}"
    except (aiohttp.ClientError, TimeoutError, OSError) as error:
        fault = f"the receiver could not be reached ({type(error).__name__})"
    await own.database.run(lambda session: _settle(session, own, message, fault, echoed))


def _settle(session: Session, own: Platform, message: _Message, fault: str | None, echoed: str) -> None:
    """Delivered: gone. Otherwise again after 10, 20, 40 ... seconds, and unclaimed after the last try."""
    delivery = session.get(Delivery, message.delivery_id)
    if delivery is None:
        return
    notification = session.get_one(Notification, delivery.notification_id)
    notification.error = fault
    if fault is None:
        session.delete(delivery)
        if message.is_confirmation and hmac.compare_digest(
            echoed.encode("utf-8", "surrogatepass"), message.secret.encode()
        ):
            notification.status = "Active"
        return
    delivery.attempts += 1
    delivery.due_at = own.clock() + timedelta(seconds=FIRST_RETRY_S * 2 ** (delivery.attempts - 1))
    delivery.unclaimed = delivery.attempts >= own.config.hook_attempts


def _due(session: Session, own: Platform, to: Links) -> list[_Message]:
    statement = (
        select(Delivery, Notification)
        .join(Notification, Delivery.notification_id == Notification.id)
        .where(Delivery.unclaimed.is_(False), Delivery.due_at <= own.clock())
        .order_by(Delivery.id)
        .limit(100)
    )
    return [
        _Message(
            delivery_id=delivery.id,
            url=notification.post_url,
            secret=notification.secret,
            is_confirmation=delivery.event_type == CONFIRM,
            payload=json.dumps(_payload(session, delivery, notification, to)).encode(),
        )
        for delivery, notification in session.execute(statement).all()
    ]


def _payload(session: Session, delivery: Delivery, notification: Notification, to: Links) -> Json:
    if delivery.event_type == CONFIRM:
        return {"notification": to.to("notifications", notification.id)}
    payload: Json = {
        "event_type": delivery.event_type,
        "id": str(delivery.recording_id),
        "recording": to.to("recordings", str(delivery.recording_id)),
        "date_created": to.date(delivery.created_at),
    }
    recording = session.get(Recording, delivery.recording_id) if notification.include_data else None
    if recording is not None:
        payload["data"] = recording_details_json(recording, tags_of(session, [recording])[recording.id], to)
    return payload
