"""``/v1``: the carrier in the shapes of the Webex Calling REST API, so that its clients work unchanged."""

from portals.webex.application import ROUTES, STYLE, application

__all__ = ["ROUTES", "STYLE", "application"]
