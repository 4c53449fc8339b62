"""What both HTTP APIs share: one table of routes that is served, checked and described from the same lines."""

from portals.rest.application import build
from portals.rest.errors import FieldProblem, RestError, refuse
from portals.rest.route import Answer, Asked, Reply, Route
from portals.rest.scopes import Scope
from portals.rest.style import Style

__all__ = [
    "Answer",
    "Asked",
    "FieldProblem",
    "Reply",
    "RestError",
    "Route",
    "Scope",
    "Style",
    "build",
    "refuse",
]
