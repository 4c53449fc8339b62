"""The demonstration: one synthetic call for each recording mode, codes dialled, audio measured, delivery checked.

Every verdict is found by measuring: in the recording's file, in what each phone heard, and at the Dubber platform.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from callbench.analysis import AnalysisReport, Tone, analyze
from callbench.network import UdpNetwork
from callbench.one_call import CallOutcome, KeyPlan, follow_keys, outcome_of
from callbench.phone import Answering, Microphone, Phone, PhoneCall, PhoneError, PhoneSetup, speech, tone
from callmodel.errors import StartError
from catalog import JobState, RecordingRecord
from dubber_uploader.answers import AttemptError
from mediaserver.app.delivery import Delivery
from mediaserver.app.description import dubber_portal
from mediaserver.app.product import Product
from mediaserver.runtime.chance import SecureIds
from prompts import PromptId
from spool import AUDIO_FILE

TALK_S: Final = 13.0
CALLEE: Final = "1000"
HZ_TOLERANCE: Final = 1.0
LENGTH_TOLERANCE_MS: Final = 60.0
"""Key presses, signalling on loopback and a 20 ms frame at either end."""
REMINDER_HZ: Final = 1400.0
DELIVERY_S: Final = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """One call of the demonstration."""

    user: str
    hz: float = 0.0
    """The user's voice is a tone of its own, so that it can be found again; 0 is French speech."""
    keys: tuple[KeyPlan, ...] = ()
    spans: tuple[tuple[float, float], ...] = ()
    """Seconds of the call that are to be kept, one tuple for each piece of each recording."""
    recordings: int = 1
    to: str = CALLEE
    title: str = ""
    talk_s: float = TALK_S

    @property
    def voice(self) -> Microphone:
        """What the user says."""
        return tone(self.hz) if self.hz else speech("fr")


SCENES: Final = (
    Scene(
        user="1000",
        hz=311.0,
        recordings=0,
        to="9002",
        title="Never: *44 is refused",
        keys=(KeyPlan(at_s=3.0, digits="*44"),),
    ),
    Scene(user="1001", hz=437.0, spans=((0.0, TALK_S),), title="Always"),
    Scene(
        user="1002",
        hz=491.0,
        keys=(KeyPlan(at_s=4.0, digits="*48"), KeyPlan(at_s=8.0, digits="*49")),
        spans=((0.0, 4.0), (8.0, TALK_S)),
        title="Always with Pause/Resume: *48 ... *49",
    ),
    Scene(
        user="1003",
        hz=547.0,
        keys=(KeyPlan(at_s=5.0, digits="*44"),),
        spans=((0.0, TALK_S),),
        title="On Demand: *44 keeps the call from its answer",
    ),
    Scene(
        user="1004",
        hz=613.0,
        keys=(KeyPlan(at_s=3.0, digits="*44"), KeyPlan(at_s=6.0, digits="*45"), KeyPlan(at_s=9.0, digits="*44")),
        spans=((3.0, 6.0), (9.0, TALK_S)),
        recordings=2,
        title="User Initiated Start: *44 *45 *44",
    ),
    Scene(
        user="1005",
        keys=(KeyPlan(at_s=11.2, digits="*48"), KeyPlan(at_s=13.0, digits="*49")),
        spans=((0.0, 11.2), (13.0, 20.0)),
        talk_s=20.0,
        title="French, announcements, spoken notices",
    ),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One verdict."""

    scene: str
    what: str
    met: bool
    found: str


@dataclass(slots=True, kw_only=True)
class Played:
    """What one scene left."""

    scene: Scene
    user: CallOutcome
    other: CallOutcome | None
    records: tuple[RecordingRecord, ...] = ()


async def demonstrate(product: Product) -> list[Finding]:
    """Place all calls at once, wait for the deliveries, and judge."""
    known = {record.manifest.recording_id for record in product.catalog.recordings.list(limit=10_000)}
    callee = await _phone(product, CALLEE)
    callee.answering = Answering(microphone=speech("en"))
    try:
        played = await asyncio.gather(*(_play(product, scene, callee) for scene in SCENES))
    finally:
        await callee.close()
    await product.server.hub.idle()  # the last call is not over for the server when its phones have hung up
    await product.server.recordings.settled()
    new = [r for r in product.catalog.recordings.list(limit=10_000) if r.manifest.recording_id not in known]
    for item in played:
        mine = [record for record in new if record.manifest.user == item.scene.user]
        item.records = tuple(sorted(mine, key=lambda record: record.manifest.started_at))
    if product.delivery is not None:
        await _deliveries(product.delivery, product, [record.manifest.recording_id for record in new])
    findings = [finding for item in played for finding in judge(item)]
    for item in played:
        for record in item.records:
            findings.append(await _delivered(product, item.scene, record))
    return findings


async def _phone(product: Product, number: str) -> Phone:
    host, _, port = product.info["sip"]["udp"].rpartition(":")
    passwords = {user["number"]: user["password"] for user in product.info["users"]}
    setup = PhoneSetup(
        number=number,
        password=passwords[number],
        domain=product.settings.domain,
        server=(host.strip("[]"), int(port)),
    )
    phone = Phone(setup, UdpNetwork(), SecureIds())
    await phone.start()
    try:
        await phone.register()
    except PhoneError as error:
        await phone.close()
        raise StartError(f"the demonstration cannot begin: {error}") from error
    return phone


async def _play(product: Product, scene: Scene, callee: Phone) -> Played:
    caller = callee if scene.user == CALLEE else await _phone(product, scene.user)
    try:
        call = await caller.dial(scene.to, microphone=scene.voice)
        try:
            await call.answered()
        except PhoneError:  # a verdict, not the end of the demonstration
            return Played(scene=scene, user=outcome_of(call, call.end_cause), other=None)
        ended_by = await follow_keys(call, scene.keys, "rfc4733", scene.talk_s)
        other = _other_end(callee, scene) if scene.to == CALLEE else None
        if other is not None:
            await other.ended()
        return Played(
            scene=scene,
            user=outcome_of(call, ended_by),
            other=None if other is None else outcome_of(other, other.end_cause),
        )
    finally:
        if caller is not callee:
            await caller.close()


def _other_end(callee: Phone, scene: Scene) -> PhoneCall | None:
    return next((call for call in callee.calls if call.incoming and call.remote == scene.user), None)


# --- verdicts ----------------------------------------------------------------------------------


def judge(item: Played) -> Iterable[Finding]:
    """The verdicts of one scene; of a call that was not answered, just that."""
    scene, user = item.scene, item.scene.user
    yield _finding(scene, "answered", item.user.answered, f"status {item.user.status}")
    if not item.user.answered:
        return
    count = len(item.records)
    yield _finding(scene, f"{scene.recordings} recordings", count == scene.recordings, f"{count}")
    if count != scene.recordings:
        return
    heard_by_user = item.user.listen()
    if user == "1000":
        bursts = [t for t in _tones(heard_by_user) if abs(t.hz - 400) <= HZ_TOLERANCE]
        yield _finding(scene, "refusal tone heard", len(bursts) == 3, f"{len(bursts)} bursts of 400 Hz")
        return
    yield from _judge_lengths(item)
    yield from _judge_voice(item)
    if user in ("1002", "1004"):
        beeps = [t for t in _tones(heard_by_user) if abs(t.hz - REMINDER_HZ) <= HZ_TOLERANCE]
        wanted = 2 if user == "1002" else 0
        yield _finding(scene, f"{wanted} notification beeps heard by the user", len(beeps) == wanted, f"{len(beeps)}")
    if user == "1005" and item.other is not None:
        yield from _judge_french(item, heard_by_user, item.other.listen())


def _judge_lengths(item: Played) -> Iterable[Finding]:
    """The recordings are as long as the spans that were to be kept."""
    scene = item.scene
    # hanging up waits for the machine; what was really talked is what must be there
    late_s = item.user.duration_s - scene.talk_s
    spans = [end - start for start, end in scene.spans]
    spans[-1] += late_s
    wanted = [span * 1000 for span in spans] if scene.recordings > 1 else [sum(spans) * 1000]
    found = [record.manifest.duration_ms for record in item.records]
    # a code takes three presses with their gaps before it is complete
    slack = LENGTH_TOLERANCE_MS + 500 * len(scene.keys)
    met = all(abs(a - b) <= slack for a, b in zip(wanted, found, strict=True))
    yield _finding(scene, "length", met, ", ".join(f"{ms / 1000:.2f} s" for ms in found))


def _judge_voice(item: Played) -> Iterable[Finding]:
    """Channel 1 is the user: their tone, and nobody else's."""
    for record in item.records:
        report = _listen(record)
        yield _tone_verdict(item.scene, report) if item.scene.hz else _speech_verdict(item.scene, report)
        level = report.channels[1].levels.active_dbm0
        yield _finding(item.scene, "speech in channel 2", level > -40, f"{level:.1f} dBm0")


def _tone_verdict(scene: Scene, report: AnalysisReport) -> Finding:
    mine = [t for t in report.channels[0].tones if abs(t.hz - scene.hz) <= HZ_TOLERANCE]
    stray = [t for t in report.channels[1].tones if abs(t.hz - scene.hz) <= HZ_TOLERANCE]
    share = sum(t.length_ms for t in mine) / max(report.duration_ms, 1)
    found = f"{share:.0%} of channel 1, {len(stray)} in channel 2"
    return _finding(scene, f"{scene.hz:.0f} Hz in channel 1 only", share > 0.6 and not stray, found)


def _speech_verdict(scene: Scene, report: AnalysisReport) -> Finding:
    said = [
        (channel.channel, prompt.heard)
        for channel in report.channels
        for prompt in channel.prompts
        if (prompt.prompt, prompt.language) == (PromptId.TEST_SPEECH, "fr")
    ]
    met = bool(said) and all(channel == 1 for channel, _ in said)
    found = ", ".join(f"{heard:.0%} of it in channel {channel}" for channel, heard in said) or "nowhere"
    return _finding(scene, "French speech in channel 1 only", met, found)


def _judge_french(item: Played, user: AnalysisReport, other: AnalysisReport) -> Iterable[Finding]:
    scene = item.scene
    report = _listen(item.records[0])
    for who, heard, share in (
        ("the user", user, 0.95),
        ("the other party", other, 0.95),
        ("the recording", report, 0.7),
    ):
        # in the recording speech is not ducked, so less of the announcement stands out
        prompts = _prompts(heard, share)
        met = (PromptId.RECORDING_STARTED, "fr") in prompts
        yield _finding(scene, f"« Cet appel est enregistré. » in {who}", met, _shown(prompts))
        reminders = [t for t in _tones(heard) if abs(t.hz - REMINDER_HZ) <= HZ_TOLERANCE]
        lengths = ", ".join(f"{t.hz:.1f} Hz {t.length_ms:.0f} ms at {t.start_ms / 1000:.2f} s" for t in reminders)
        yield _finding(scene, f"reminder tone in {who}", bool(reminders), lengths or "none")
    for prompt in (PromptId.RECORDING_PAUSED, PromptId.RECORDING_RESUMED):
        met = (prompt, "fr") in _prompts(user) and (prompt, "fr") not in _prompts(other)
        yield _finding(scene, f"{prompt} heard by the user only", met, _shown(_prompts(user)))


async def _delivered(product: Product, scene: Scene, record: RecordingRecord) -> Finding:
    manifest = record.manifest
    job = product.catalog.uploads.get(manifest.recording_id)
    if product.delivery is None or job is None or job.state is not JobState.DONE or job.remote_id is None:
        state = "no job" if job is None else f"{job.state}: {job.last_error or ''}"
        return _finding(scene, "at Dubber", False, state)
    try:
        remote = await product.delivery.client.get_recording(job.remote_id)
    except AttemptError as error:
        return _finding(scene, "at Dubber", False, str(error))
    met = remote.sha256 == manifest.audio.sha256 and remote.size_bytes == manifest.audio.size_bytes
    return _finding(scene, "at Dubber, same size and digest", met, _link(product, remote.id))


def _link(product: Product, remote_id: str) -> str:
    """The recording's page in Dubber's portal; at another platform, its REST address."""
    portal = dubber_portal(product.settings, product.platform)
    return f"{portal or product.settings.uploader.base_url + '/'}recordings/{remote_id}"


async def _deliveries(delivery: Delivery, product: Product, recording_ids: list[str]) -> None:
    """Wait until every delivery has ended well or badly; the verdicts say which ones are missing."""
    with suppress(TimeoutError):
        async with asyncio.timeout(DELIVERY_S):
            while any(_pending(product, recording_id) for recording_id in recording_ids):
                delivery.changed.clear()
                await delivery.changed.wait()


def _pending(product: Product, recording_id: str) -> bool:
    job = product.catalog.uploads.get(recording_id)
    return job is not None and job.state in (JobState.PENDING, JobState.RUNNING)


def _listen(record: RecordingRecord) -> AnalysisReport:
    return analyze(Path(record.path) / AUDIO_FILE)


def _tones(report: AnalysisReport) -> list[Tone]:
    return [tone for channel in report.channels for tone in channel.tones]


def _prompts(report: AnalysisReport, share: float = 0.95) -> set[tuple[str, str]]:
    return {(p.prompt, p.language) for channel in report.channels for p in channel.prompts if p.heard >= share}


def _shown(prompts: set[tuple[str, str]]) -> str:
    return ", ".join(sorted(f"{name} ({language})" for name, language in prompts)) or "no prompt"


def _finding(scene: Scene, what: str, met: bool, found: str) -> Finding:
    return Finding(scene=f"{scene.user} {scene.title}", what=what, met=met, found=found)
