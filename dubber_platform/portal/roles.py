"""Who may open what on the recordings site."""

from __future__ import annotations

from typing import Final

from dubber_platform.store.visibility import ADMINISTRATOR, STANDARD_USER

GROUP_ADMINISTRATOR: Final = "Group Administrator"
"""An administrator who speaks for the group: may see what the group could not place. A role of these pages only."""

ADMINISTRATORS: Final = frozenset({ADMINISTRATOR, GROUP_ADMINISTRATOR})
GROUP_ADMINISTRATORS: Final = frozenset({GROUP_ADMINISTRATOR})
EVERYONE: Final = ADMINISTRATORS | {STANDARD_USER}
