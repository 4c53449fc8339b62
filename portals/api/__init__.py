"""``/api/v1``: this product's own API, and the description of both."""

from portals.api.application import application

__all__ = ["application"]
