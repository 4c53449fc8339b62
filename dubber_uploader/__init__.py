"""Delivers recordings to Dubber and makes users known to it: pure plans, a client of its REST interface, workers."""

from dubber_uploader.client import DubberClient
from dubber_uploader.clock import Clock, RealClock
from dubber_uploader.config import DeliveryFormat, DubberConfig, UploaderConfig
from dubber_uploader.groups import GroupCheck, GroupStanding, check_group
from dubber_uploader.planner import Meaning, NextStep, Outcome, Pace, Then, plan
from dubber_uploader.provisioner import Provisioner
from dubber_uploader.worker import UploadWorker

__all__ = [
    "Clock",
    "DeliveryFormat",
    "DubberClient",
    "DubberConfig",
    "GroupCheck",
    "GroupStanding",
    "Meaning",
    "NextStep",
    "Outcome",
    "Pace",
    "Provisioner",
    "RealClock",
    "Then",
    "UploadWorker",
    "UploaderConfig",
    "check_group",
    "plan",
]
