"""Request bodies, every field bounded."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints, model_validator

from dubber_platform.api.dates import parse_date

EARLIEST, LATEST = datetime(1970, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)


def _no_control(text: str) -> str:
    if any(ord(character) < 32 or ord(character) == 127 or 0xD800 <= ord(character) < 0xE000 for character in text):
        raise ValueError("must not contain control characters")
    return text


def _date(value: object) -> datetime:
    if not isinstance(value, str):
        raise ValueError("must be a date as text")
    instant = parse_date(value)
    if not EARLIEST <= instant < LATEST:
        raise ValueError("must be within the years 1970 to 2199")
    return instant


def _http_url(text: str) -> str:
    parts = urlsplit(text)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.username is not None:
        raise ValueError("must be an http or https address without user name")
    return text


Label = Annotated[str, StringConstraints(strip_whitespace=True, max_length=128), AfterValidator(_no_control)]
Name = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=128), AfterValidator(_no_control)
]
Speaker = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=50), AfterValidator(_no_control)
]
Short = Annotated[str, StringConstraints(strip_whitespace=True, max_length=50), AfterValidator(_no_control)]
Value = Annotated[str, StringConstraints(max_length=255), AfterValidator(_no_control)]
Reason = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=255), AfterValidator(_no_control)
]
TagText = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=25), AfterValidator(_no_control)
]
KeyPart = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=80), AfterValidator(_no_control)
]
Identifier = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=161), AfterValidator(_no_control)
]
Slug = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]{0,63}$")]
ReferenceId = Annotated[str, StringConstraints(min_length=1, max_length=128, pattern=r"^[A-Za-z0-9@._-]+$")]
Email = Annotated[
    str,
    StringConstraints(strip_whitespace=True, max_length=254, pattern=r"^[^@\s]{1,64}@[^@\s]{1,189}$"),
    AfterValidator(_no_control),
]
Date = Annotated[datetime, BeforeValidator(_date)]
Url = Annotated[str, StringConstraints(max_length=2000), AfterValidator(_no_control), AfterValidator(_http_url)]
MetadataKey = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9]{1,50}$")]
MetaTagKey = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,50}$")]
Metadata = Annotated[dict[MetadataKey, Value], Field(max_length=50)]
MetaTags = Annotated[dict[MetaTagKey, Value], Field(max_length=50)]
Tags = Annotated[list[TagText], Field(max_length=100)]

ExternalType = Literal["BroadWorks", "AudioCodes", "Cisco", "Metaswitch"]
Product = Annotated[str, StringConstraints(pattern=r"^(reserved|payg|playback|[A-Z0-9_]{1,20})$")]
Role = Literal["Administrator", "Standard User"]
Language = Literal["en", "de", "es", "fr", "it", "ja", "nl", "pl", "pt", "zh-CN", "zh-TW"]


class Body(BaseModel):
    """Root of the request bodies: unknown fields are refused, nothing is coerced."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, hide_input_in_errors=True)


class AccountBody(Body):
    """POST /accounts."""

    name: Name
    group: ReferenceId | None = None
    id: Slug | None = None
    dubber_address: Label = ""
    time_zone: Short = "UTC"
    address: Value = ""
    phone: Short = ""
    metadata: Metadata = Field(default_factory=dict)


class AccountChange(Body):
    """PUT /accounts/:id; what is not given stays."""

    name: Name | None = None
    dubber_address: Label | None = None
    time_zone: Short | None = None
    address: Value | None = None
    phone: Short | None = None
    metadata: Metadata | None = None


class UserBody(Body):
    """POST /accounts/:id/users."""

    username: Email
    first_name: Name
    last_name: Name
    role: Role = "Standard User"
    mobile_number: Short = ""
    language: Language = "en"


class UserChange(Body):
    """PUT /users/:id."""

    first_name: Name | None = None
    last_name: Name | None = None
    role: Role | None = None
    mobile_number: Short | None = None
    language: Language | None = None


class GroupBody(Body):
    """POST /groups/:id/groups."""

    name: Name


class DubPointBody(Body):
    """POST /accounts/:id/dub_points."""

    external_type: ExternalType
    service_provider: KeyPart
    external_group: KeyPart
    external_identifier: Identifier
    user: ReferenceId | None = None
    type: Literal["Recorder", "Api", "Meeting"] = "Recorder"
    label: Label = ""
    product: Product = "reserved"
    number: Short = ""
    playback: bool = True
    ai: bool = False


class DubPointChange(Body):
    """PUT /dub_points/:id: product and labels."""

    product: Product | None = None
    label: Label | None = None
    number: Short | None = None
    playback: bool | None = None
    ai: bool | None = None
    status: Literal["Active", "Suspended"] | None = None


class MoveBody(Body):
    """PUT /dub_points/:id/move and /recordings/:id/move: to a user, a dub point or an account."""

    user: ReferenceId | None = None
    account: Slug | None = None
    dub_point: ReferenceId | None = None

    @model_validator(mode="after")
    def _somewhere(self) -> Self:
        if self.user is None and self.account is None and self.dub_point is None:
            raise ValueError("give a user, an account or a dub_point")
        return self


class PartyBody(Body):
    """One of ``additional_parties`` or ``transfers``."""

    number: Speaker
    label: Label = ""
    time: Date | None = None


class RecordingBody(Body):
    """POST /accounts/:id/recordings; without ``recording_url`` the audio follows as a multi-part upload."""

    to: Speaker
    from_: Speaker = Field(alias="from")
    call_type: Literal["inbound", "outbound"]
    start_time: Date
    recording_url: Url | None = None
    to_label: Label = ""
    from_label: Label = ""
    channel: Label = ""
    channel_user: ReferenceId | None = None
    dub_point_id: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{20}$")] | None = None
    recording_type: Literal["recording", "voicemail"] = "recording"
    duration: Annotated[int, Field(ge=0, le=30 * 24 * 3600)] | None = None
    end_time: Date | None = None
    transfers: Annotated[list[PartyBody], Field(max_length=50)] = Field(default_factory=list)
    additional_parties: Annotated[list[PartyBody], Field(max_length=50)] = Field(default_factory=list)
    tags: Tags = Field(default_factory=list)
    metadata: Metadata = Field(default_factory=dict)
    meta_tags: MetaTags = Field(default_factory=dict)
    status: Literal["Active"] | None = None

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.end_time is not None and self.end_time < self.start_time:
            raise ValueError("end_time must not be before start_time")
        return self


class UnidentifiedBody(RecordingBody):
    """POST /groups/:id/unidentified_recordings: a recording with the key it came under, if any."""

    external_type: ExternalType | None = None
    service_provider: KeyPart | None = None
    external_group: KeyPart | None = None
    external_identifier: Identifier | None = None

    @model_validator(mode="after")
    def _whole_key(self) -> Self:
        given = (self.external_type, self.service_provider, self.external_group, self.external_identifier)
        if any(given) and not all(given):
            raise ValueError("external_type, service_provider, external_group and external_identifier go together")
        return self


class TagsBody(Body):
    """POST /recordings/:id/tags: the whole set."""

    tags: Tags


class MetadataBody(Body):
    """PUT /recordings/:id/metadata: the whole set."""

    metadata: Metadata


class PartBody(Body):
    """One part of ``parts``."""

    part_number: Annotated[int, Field(ge=1, le=10000)]
    e_tag: Annotated[str, StringConstraints(pattern=r'^"?[0-9a-f]{32}"?$')]


class CompleteBody(Body):
    """PUT /recordings/:id/complete_upload."""

    parts: Annotated[list[PartBody], Field(min_length=1, max_length=10000)]


class NotificationBody(Body):
    """POST /accounts|groups/:id/notifications."""

    post_url: Url
    event_type: Literal["recording.create", "recording.update"]
    include_data: bool = False


class NotificationChange(Body):
    """PUT /notifications/:id."""

    post_url: Url | None = None
    event_type: Literal["recording.create", "recording.update"] | None = None
    include_data: bool | None = None


class StarBody(Body):
    """PUT /recordings/:id/star."""

    starred: bool


class NoteBody(Body):
    """POST /recordings/:id/notes; line ends are fine."""

    text: Annotated[str, StringConstraints(min_length=1, max_length=2000)]


class ShareBody(Body):
    """POST /recordings/:id/shares."""

    expires_at: Date


class HoldBody(Body):
    """PUT /recordings/:id/hold."""

    held: bool
    reason: Value = ""


class RetentionBody(Body):
    """PUT /recordings/:id/retention."""

    expiry_time: Date


class DoNotRecordBody(Body):
    """POST /users/:id/do_not_record."""

    number: Speaker
    reason: Reason


class TeamBody(Body):
    """POST /accounts/:id/teams, PUT /teams/:id."""

    name: Name


class MemberBody(Body):
    """PUT /teams/:id/members/:user."""

    role: Literal["Listener", "Contributor", "Manager"]


class ReachBody(Body):
    """PUT /teams/:id/reach: the whole set."""

    users: Annotated[list[ReferenceId], Field(max_length=10_000)]


class PasswordBody(Body):
    """PUT /users/:id/password."""

    password: Annotated[str, StringConstraints(min_length=10, max_length=200), AfterValidator(_no_control)]
