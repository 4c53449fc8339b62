"""Offer and answer (RFC 3264) for one audio stream, as functions of values.

A side keeps the last description it sent and hands it in again as ``previous``: the ``o=`` line keeps its
session id, its version goes up by one exactly when anything else changed (RFC 3264 8), the number and
order of ``m=`` lines stay, and a payload type never comes to mean another codec (8.3.2).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from mediaserver.sdp.codecs import (
    DYNAMIC,
    EVENT_CLOCK_HZ,
    TELEPHONE_EVENT,
    Capabilities,
    CodecSpec,
    PayloadMap,
    payload_map,
    printed_events,
)
from mediaserver.sdp.direction import Direction
from mediaserver.sdp.errors import NoCommonCodec, NotAcceptable, SdpError
from mediaserver.sdp.model import Attribute, MediaDescription, Origin, SessionDescription, connection_to
from mediaserver.sdp.negotiated import NegotiatedMedia
from mediaserver.sdp.stream import Stream, is_audio, packet_time_ms, read_stream

PROTOCOL: Final = "RTP/AVP"

Payloads = tuple[tuple[int, CodecSpec], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalMedia:
    """Where we receive, and who we are in the ``o=`` line."""

    host: str
    """IP address told to the peer."""
    port: int
    """Even RTP port; RTCP is the one above."""
    session_id: int = 1
    """Of a first description; later ones keep what ``previous`` has."""
    version: int = 1
    """As above, where the count begins."""
    username: str = "-"


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """Our answer, and what it settled."""

    description: SessionDescription
    media: NegotiatedMedia


def make_offer(
    local: LocalMedia,
    capabilities: Capabilities,
    direction: Direction = Direction.SENDRECV,
    *,
    previous: SessionDescription | None = None,
    extra: tuple[Attribute, ...] = (),
) -> SessionDescription:
    """Offer every codec; ``extra`` attributes (``record``, ``label``) go into the audio line."""
    at = 0 if previous is None else _active_index(previous)
    before = None if previous is None else payload_map(previous.media[at])
    payloads, events = _offered_payloads(capabilities, before)
    audio = _audio_line(
        local,
        payloads,
        events,
        capabilities,
        direction,
        extra=extra,
        ptime_ms=capabilities.ptime_ms,
        mux=capabilities.rtcp_mux,
    )
    if previous is None:
        return _described(local, (audio,), None)
    lines = [_refused(line) for line in previous.media]
    lines[at] = audio
    return _described(local, tuple(lines), previous)


def answer(
    offer: SessionDescription,
    capabilities: Capabilities,
    local: LocalMedia,
    *,
    prefer: tuple[str, ...] = (),
    direction: Direction = Direction.SENDRECV,
    previous: SessionDescription | None = None,
    extra: tuple[Attribute, ...] = (),
) -> Answer:
    """Answer with one audio line, one codec and telephone-event; all other lines are refused in their places.

    ``prefer`` names codecs to take before the offerer's own order decides; ``direction`` is what we want, from
    our view. Raises NoCommonCodec (488), NotAcceptable (488, no live audio in a first offer) or SdpError (400).
    """
    choice = _choose_line(offer, capabilities, prefer, previous)
    if choice is None:
        if previous is None or not any(line.kind.lower() == "audio" for line in offer.media):
            raise NotAcceptable("m", "no audio stream is offered")
        return _answer_taken_out(offer, capabilities, local, previous)
    index, number, spec = choice
    stream = read_stream(offer, index)
    if offer.connection_of(stream.media) is None:
        raise SdpError("c", "missing for the audio stream")
    ours = stream.direction.reversed.within(direction)
    offered = payload_map(stream.media)
    common_events = offered.event_codes & capabilities.events
    events = offered.events if common_events and capabilities.telephone_event is not None else None
    media = _negotiated(
        stream,
        index=index,
        capabilities=capabilities,
        direction=ours,
        send=(number, spec),
        receive=((number, spec),),
        events=(events, events),
        event_codes=offered.event_codes,
    )
    line = _audio_line(
        local,
        ((number, spec),),
        events,
        capabilities,
        ours,
        extra=extra,
        ptime_ms=media.ptime_ms,
        mux=stream.rtcp_mux,
        common_events=common_events,
    )
    lines = [_refused(other) for other in offer.media]
    lines[index] = replace(line, kind=stream.media.kind, protocol=stream.media.protocol)
    return Answer(description=_described(local, tuple(lines), previous, timing=offer.timing), media=media)


def accept_answer(
    offer: SessionDescription, answer: SessionDescription, capabilities: Capabilities | None = None
) -> NegotiatedMedia:
    """What the peer's answer to our offer settled; ``capabilities`` are those of ``make_offer``.

    Raises SdpError when the answer does not fit the offer, NotAcceptable when it refuses the audio,
    NoCommonCodec when it answers with codecs that were not offered.
    """
    known = capabilities or Capabilities()
    if len(answer.media) != len(offer.media):
        raise SdpError("m", f"{len(answer.media)} lines answer {len(offer.media)}")
    index = _active_index(offer)
    stream = read_stream(answer, index)
    if stream.media.kind.lower() != "audio":
        raise SdpError("m", f"line {index} was offered as audio")
    if stream.media.port == 0:
        raise NotAcceptable("m", "the audio stream was refused")
    if answer.connection_of(stream.media) is None:
        raise SdpError("c", "missing for the audio stream")
    offered = payload_map(offer.media[index])
    answered = payload_map(stream.media, defaults=offered)
    common = tuple(entry for entry in _common(answered, known) if _number_of(offered, entry[1]) is not None)
    if not common:
        raise NoCommonCodec("m", "no offered codec is in the answer")
    spoken = {spec for _, spec in common}
    wanted = read_stream(offer, index)
    both = answered.events is not None and offered.events is not None
    return _negotiated(
        replace(stream, rtcp_mux=stream.rtcp_mux and wanted.rtcp_mux),
        index=index,
        capabilities=known,
        direction=stream.direction.reversed.within(wanted.direction),
        send=common[0],
        receive=tuple((number, spec) for number, spec in _common(offered, known) if spec in spoken),
        events=(answered.events, offered.events) if both else (None, None),
        event_codes=answered.event_codes,
    )


# --- choosing ------------------------------------------------------------------------------------


def _active_index(description: SessionDescription) -> int:
    """The live audio line; the first one when all are taken out."""
    audio = [at for at, line in enumerate(description.media) if line.kind.lower() == "audio"]
    if not audio:
        raise SdpError("m", "no audio line")
    return next((at for at in audio if description.media[at].port), audio[0])


def _choose_line(
    offer: SessionDescription, capabilities: Capabilities, prefer: tuple[str, ...], previous: SessionDescription | None
) -> tuple[int, int, CodecSpec] | None:
    """Line, payload type and codec to accept; None when no audio is live. The line in use comes first."""
    order = list(range(len(offer.media)))
    if previous is not None:
        at = _active_index(previous)
        order.sort(key=lambda index: index != at)
    live = [index for index in order if offer.media[index].kind.lower() == "audio" and offer.media[index].port]
    for index in live:
        media = offer.media[index]
        connection = offer.connection_of(media)
        if not is_audio(media) or (connection is not None and connection.multicast):
            continue
        codec = _choose_codec(payload_map(media), capabilities, prefer)
        if codec is not None:
            return index, *codec
    if live:
        raise NoCommonCodec("m", "no audio line has a codec and a transport that we have")
    return None


def _choose_codec(
    offered: PayloadMap, capabilities: Capabilities, prefer: tuple[str, ...]
) -> tuple[int, CodecSpec] | None:
    common = _common(offered, capabilities)
    for name in prefer:
        for number, spec in common:
            if spec.name.lower() == name.lower():
                return number, spec
    return next(iter(common), None)


def _common(payloads: PayloadMap, capabilities: Capabilities) -> Payloads:
    """Payload types of a line that mean a codec of ours, in the line's order."""
    return tuple(
        (number, spec)
        for number, name, clock in payloads.codecs
        for spec in capabilities.codecs
        if spec.is_named(name, clock)
    )


def _number_of(payloads: PayloadMap | None, spec: CodecSpec) -> int | None:
    if payloads is None:
        return None
    return next((number for number, name, clock in payloads.codecs if spec.is_named(name, clock)), None)


def _offered_payloads(capabilities: Capabilities, before: PayloadMap | None) -> tuple[Payloads, int | None]:
    """Numbers to offer: those in use since ``before``, else each codec's own, else a free dynamic one."""
    taken: set[int] = set()
    if before is not None:
        taken = {number for number, _, _ in before.codecs} | ({before.events} if before.events is not None else set())

    def place(known: int | None, own: int) -> int:
        number = known if known is not None else own
        if known is None and number in taken:
            number = next(free for free in DYNAMIC if free not in taken)
        taken.add(number)
        return number

    payloads = tuple((place(_number_of(before, spec), spec.payload_type), spec) for spec in capabilities.codecs)
    if capabilities.telephone_event is None:
        return payloads, None
    return payloads, place(before.events if before is not None else None, capabilities.telephone_event)


# --- settling ------------------------------------------------------------------------------------


def _negotiated(
    stream: Stream,
    *,
    index: int,
    capabilities: Capabilities,
    direction: Direction,
    send: tuple[int, CodecSpec],
    receive: Payloads,
    events: tuple[int | None, int | None],
    event_codes: frozenset[int],
) -> NegotiatedMedia:
    """``events`` are the payload types of telephone-event, to send and to receive."""
    return NegotiatedMedia(
        codec=send[1].name,
        payload_type=send[0],
        receive_payload_types=tuple((number, spec.name) for number, spec in receive),
        telephone_event_send=events[0],
        telephone_event_receive=events[1],
        events=event_codes,
        remote=stream.remote,
        remote_rtcp=stream.remote if stream.rtcp_mux else stream.remote_rtcp,
        rtcp_mux=stream.rtcp_mux,
        direction=direction,
        held=stream.held,
        ptime_ms=packet_time_ms(stream.media, capabilities.ptime_ms),
        media_index=index,
        record_preference=stream.media.record_preference,
    )


def _answer_taken_out(
    offer: SessionDescription, capabilities: Capabilities, local: LocalMedia, previous: SessionDescription
) -> Answer:
    """Every audio line came with port 0 in a later offer: the stream rests until it is offered again (RFC 3264 8.2)."""
    known = payload_map(previous.media[_active_index(previous)])
    fallback = (capabilities.codecs[0].payload_type, capabilities.codecs[0])
    before = next(iter(_common(known, capabilities)), fallback)
    index = _active_index(offer)
    stream = read_stream(offer, index)
    media = _negotiated(
        stream,
        index=index,
        capabilities=capabilities,
        direction=Direction.INACTIVE,
        send=before,
        receive=(before,),
        events=(None, None),
        event_codes=frozenset(),
    )
    refused = tuple(_refused(line) for line in offer.media)
    return Answer(description=_described(local, refused, previous, timing=offer.timing), media=media)


# --- writing -------------------------------------------------------------------------------------


def _audio_line(
    local: LocalMedia,
    payloads: Payloads,
    events: int | None,
    capabilities: Capabilities,
    direction: Direction,
    *,
    ptime_ms: int,
    mux: bool,
    extra: tuple[Attribute, ...],
    common_events: frozenset[int] | None = None,
) -> MediaDescription:
    numbers = [number for number, _ in payloads]
    attributes = [Attribute(name="rtpmap", value=f"{number} {spec.name}/{spec.clock_hz}") for number, spec in payloads]
    if events is not None:
        numbers.append(events)
        codes = capabilities.events if common_events is None else common_events
        attributes.append(Attribute(name="rtpmap", value=f"{events} {TELEPHONE_EVENT}/{EVENT_CLOCK_HZ}"))
        attributes.append(Attribute(name="fmtp", value=f"{events} {printed_events(codes)}"))
    attributes.append(Attribute(name="ptime", value=str(ptime_ms)))
    if mux:
        attributes.append(Attribute(name="rtcp-mux"))
    attributes.extend(extra)
    attributes.append(Attribute(name=direction.value))
    return MediaDescription(
        kind="audio",
        port=local.port,
        protocol=PROTOCOL,
        formats=tuple(str(number) for number in numbers),
        attributes=tuple(attributes),
    )


def _refused(line: MediaDescription) -> MediaDescription:
    """The line in its place with port 0 and its first format: one must stand there, none matters (RFC 3264 6)."""
    return MediaDescription(kind=line.kind, port=0, protocol=line.protocol, formats=line.formats[:1] or ("0",))


def _described(
    local: LocalMedia,
    media: tuple[MediaDescription, ...],
    previous: SessionDescription | None,
    *,
    timing: tuple[tuple[int, int], ...] = ((0, 0),),
) -> SessionDescription:
    connection = connection_to(local.host)
    origin = Origin(
        username=local.username,
        session_id=str(local.session_id),
        version=str(local.version),
        address_type=connection.address_type,
        address=connection.address,
    )
    fresh = SessionDescription(origin=origin, connections=(connection,), timing=timing, media=media)
    if previous is None:
        return fresh
    kept = replace(fresh, origin=previous.origin)
    if kept == previous:
        return previous
    version = str(int(previous.origin.version) + 1)
    return replace(fresh, origin=replace(origin, session_id=previous.origin.session_id, version=version))
