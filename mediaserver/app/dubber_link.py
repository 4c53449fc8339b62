"""Dubber as the portals see it, over the uploader that runs in this process."""

from __future__ import annotations

from dubber_uploader.groups import check_group
from mediaserver.app.delivery import Delivery
from mediaserver.app.provider_setup import NO_UPLOADER
from portals.ports import GroupCheck, GroupOutcome


class DubberLink:
    """``portals.ports.Dubber``; without an uploader nothing can be reached."""

    def __init__(self, delivery: Delivery | None) -> None:
        self._delivery = delivery

    async def check_group(self, group_id: str) -> GroupCheck:
        """Ask the platform whether it knows a group."""
        if self._delivery is None:
            return GroupCheck(outcome=GroupOutcome.UNREACHABLE, problem=NO_UPLOADER)
        found = await check_group(self._delivery.client, group_id)
        return GroupCheck(outcome=GroupOutcome(found.standing.value), name=found.name, problem=found.problem)

    def wake(self) -> None:
        """There is provisioning to do in the catalog."""
        if self._delivery is not None:
            self._delivery.wake_provisioner()
