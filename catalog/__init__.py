"""The carrier's database: subscribers, settings, calls, recordings and the upload outbox."""

from catalog.accounts import PortalAccount, PortalRole
from catalog.api_tokens import ApiToken
from catalog.audit import Actor, AuditChange, AuditEntry
from catalog.calls import CallEvent, CallRecord
from catalog.credentials import Credentials, make_credentials
from catalog.errors import (
    CatalogError,
    EnablingError,
    GroupIdMissing,
    TermsNotAccepted,
    UnknownSubscriberError,
    UsersFileError,
)
from catalog.figures import DayFigures
from catalog.provider import ProviderSettings
from catalog.provisioning import ProvisioningState, ProvisioningStatus
from catalog.recordings import RecordingRecord
from catalog.service_settings import ReminderTone, ServiceSettings, ServiceStore, SettingError, SettingProblem
from catalog.store import Catalog
from catalog.subscribers import SortBy, is_number
from catalog.uploads import JobState, UploadJob, UploadProgress

__all__ = [
    "Actor",
    "ApiToken",
    "AuditChange",
    "AuditEntry",
    "CallEvent",
    "CallRecord",
    "Catalog",
    "CatalogError",
    "Credentials",
    "DayFigures",
    "EnablingError",
    "GroupIdMissing",
    "JobState",
    "PortalAccount",
    "PortalRole",
    "ProviderSettings",
    "ProvisioningState",
    "ProvisioningStatus",
    "RecordingRecord",
    "ReminderTone",
    "ServiceSettings",
    "ServiceStore",
    "SettingError",
    "SettingProblem",
    "SortBy",
    "TermsNotAccepted",
    "UnknownSubscriberError",
    "UploadJob",
    "UploadProgress",
    "UsersFileError",
    "is_number",
    "make_credentials",
]
