"""Settings that are out of their range are refused, however they are given."""

from __future__ import annotations

import pytest

from callmodel.errors import ConfigError
from mediaserver.app.config import load_settings


@pytest.mark.parametrize("value", ["-3", "0", "65", "many", -3, 0])
def test_a_nonsensical_number_of_media_workers_is_refused(value: str | int) -> None:
    """A flag comes as text."""
    with pytest.raises(ConfigError, match="media_workers"):
        load_settings(None, {}, {"media_workers": value})
    with pytest.raises(ConfigError, match="media_workers"):
        load_settings(None, {"MEDIASERVER_MEDIA_WORKERS": str(value)}, {})
