"""How far a user is known to Dubber, as steps."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from catalog.provider import ProviderSettings
from catalog.provisioning import ProvisioningState, ProvisioningStatus


class StepState(StrEnum):
    """Of one step; words of the template's ``ui.steps``."""

    DONE = "done"
    NOW = "now"
    FAILED = "failed"
    PENDING = "pending"


@dataclass(frozen=True, slots=True, kw_only=True)
class Steps:
    """The three things that Dubber needs, in their order."""

    account: StepState
    user: StepState
    dub_point: StepState


def steps_of(state: ProvisioningState, provider: ProviderSettings) -> Steps:
    """The first that is not there is the one somebody is at, or that failed; by hand nobody of ours is at any."""
    if state.status is ProvisioningStatus.DONE:
        return Steps(account=StepState.DONE, user=StepState.DONE, dub_point=StepState.DONE)
    there = [
        provider.account_id is not None or state.user_id is not None,
        state.user_id is not None,
        False,
    ]
    first = {
        ProvisioningStatus.PENDING: StepState.NOW,
        ProvisioningStatus.FAILED: StepState.FAILED,
        ProvisioningStatus.MANUAL: StepState.PENDING,
    }[state.status]
    at = there.index(False)
    account, user, dub_point = (
        StepState.DONE if here else first if place == at else StepState.PENDING for place, here in enumerate(there)
    )
    return Steps(account=account, user=user, dub_point=dub_point)
