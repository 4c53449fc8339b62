"""The carrier's database: subscribers, settings, calls, recordings and the upload outbox."""

from catalog.calls import CallEvent, CallRecord
from catalog.credentials import Credentials, make_credentials
from catalog.errors import CatalogError, UnknownSubscriberError, UsersFileError
from catalog.recordings import RecordingRecord
from catalog.service_settings import ReminderTone, ServiceSettings, ServiceStore, SettingError, SettingProblem
from catalog.store import Catalog
from catalog.subscribers import is_number
from catalog.uploads import JobState, UploadJob, UploadProgress

__all__ = [
    "CallEvent",
    "CallRecord",
    "Catalog",
    "CatalogError",
    "Credentials",
    "JobState",
    "RecordingRecord",
    "ReminderTone",
    "ServiceSettings",
    "ServiceStore",
    "SettingError",
    "SettingProblem",
    "UnknownSubscriberError",
    "UploadJob",
    "UploadProgress",
    "UsersFileError",
    "is_number",
    "make_credentials",
]
