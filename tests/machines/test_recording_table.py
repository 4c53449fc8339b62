"""The recording table: every cell against a golden listing, its rules as properties, and a second opinion."""

from __future__ import annotations

import difflib
from itertools import product
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from callmodel.modes import Phase, RecordingMode
from feature_codes import (
    INITIAL_STATE,
    Cue,
    Effect,
    OnDemandAnnounce,
    OnDemandStop,
    RecordingState,
    RepeatedCode,
    Step,
    TableOptions,
    advance,
)
from feature_codes.drawing import listing, page
from feature_codes.recording import PAUSED, PROVISIONAL, RECORDING, rows

ROOT = Path(__file__).resolve().parents[2]
OPTIONS = tuple(TableOptions(on_demand_stop=stop) for stop in OnDemandStop)
CELLS = tuple(
    (mode, options, state, cue)
    for mode, options in product(RecordingMode, OPTIONS)
    for state in rows(mode, options)
    for cue in Cue
)
NOTIFICATIONS = {Effect.NOTIFY_STARTED, Effect.NOTIFY_PAUSED, Effect.NOTIFY_RESUMED}


def every_step() -> list[tuple[RecordingState, Cue, Step]]:
    return [(state, cue, advance(mode, state, cue, options)) for mode, options, state, cue in CELLS]


def test_every_cell_is_what_the_golden_listing_says() -> None:
    golden = (Path(__file__).parent / "recording_table.golden.txt").read_text(encoding="utf-8")
    difference = difflib.unified_diff(golden.splitlines(), listing().splitlines(), "golden", "table", lineterm="", n=0)
    assert "\n".join(difference) == ""


def test_the_documentation_page_is_fresh() -> None:
    assert (ROOT / "docs" / "recording-table.md").read_text(encoding="utf-8") == page()


def test_the_golden_listing_has_a_line_for_every_mode_state_and_cue() -> None:
    stop = TableOptions(on_demand_stop=OnDemandStop.STOP)
    tables = [rows(mode) for mode in RecordingMode] + [rows(RecordingMode.ON_DEMAND, stop)]
    assert listing().count(" -> ") == sum(len(table) * len(Cue) for table in tables)


@pytest.mark.parametrize("options", OPTIONS)
@pytest.mark.parametrize("mode", RecordingMode)
def test_the_states_of_a_mode_are_exactly_those_that_cues_lead_to(mode: RecordingMode, options: TableOptions) -> None:
    reached, coming = {INITIAL_STATE}, [INITIAL_STATE]
    while coming:
        state = coming.pop()
        found = {advance(mode, state, cue, options).to for cue in Cue} - reached
        reached |= found
        coming.extend(found)
    assert reached == set(rows(mode, options))


@pytest.mark.parametrize("mode", RecordingMode)
def test_every_state_of_a_mode_answers_every_cue(mode: RecordingMode) -> None:
    assert all(set(row) == set(Cue) for row in rows(mode).values())


def test_a_state_the_mode_does_not_know_is_an_error() -> None:
    with pytest.raises(ValueError, match="mode Never has no state recording"):
        advance(RecordingMode.NEVER, RECORDING, Cue.PAUSE)


def test_a_refused_cue_changes_nothing() -> None:
    refused = [(state, step) for state, _, step in every_step() if step.refused]
    assert refused
    assert all(step == Step(to=state, effects=(Effect.REFUSE,)) for state, step in refused)


def test_a_repeated_cue_changes_nothing_and_sounds_once() -> None:
    repeated = [(state, step) for state, _, step in every_step() if step.repeated]
    assert repeated
    assert all(step.to == state for state, step in repeated)
    assert all(len(step.effects) == 2 and step.effects[1] in NOTIFICATIONS for _, step in repeated)


def test_a_repeated_cue_tells_the_state_that_goes_on() -> None:
    told = {(step.to.phase, step.effects[1]) for _, _, step in every_step() if step.repeated}
    assert told == {
        (Phase.PAUSED, Effect.NOTIFY_PAUSED),
        (Phase.RECORDING, Effect.NOTIFY_STARTED),
        (Phase.RECORDING, Effect.NOTIFY_RESUMED),
        (Phase.PROVISIONAL, Effect.NOTIFY_RESUMED),
    }


def test_a_step_that_stays_does_nothing_unless_it_is_refused_or_repeated() -> None:
    staying = [step for state, _, step in every_step() if step.to == state]
    assert all(step.refused or step.repeated or not step.effects for step in staying)


def test_the_reminder_runs_exactly_while_recording() -> None:
    for state, _, step in every_step():
        entered = step.to.phase is Phase.RECORDING and state.phase is not Phase.RECORDING
        left = state.phase is Phase.RECORDING and step.to.phase is not Phase.RECORDING
        assert (Effect.ARM_REMINDER in step.effects) == entered
        assert (Effect.DISARM_REMINDER in step.effects) == left


def test_a_recording_is_opened_once_and_closed_once() -> None:
    closing = {Effect.CLOSE_KEEP, Effect.CLOSE_DESTROY, Effect.CLOSE_FAILED}
    for state, _, step in every_step():
        assert (Effect.OPEN in step.effects) == (step.to.is_open and not state.is_open)
        assert len(closing.intersection(step.effects)) == int(state.is_open and not step.to.is_open)


def test_only_what_nobody_kept_is_destroyed() -> None:
    for state, _, step in every_step():
        if Effect.CLOSE_DESTROY in step.effects:
            assert state.is_open
            assert not state.kept


def test_nothing_is_announced_before_the_recording_is_kept() -> None:
    started = {Effect.ANNOUNCE_STARTED, Effect.ANNOUNCE_STARTED_AGAIN, Effect.ARM_REMINDER}
    assert all(step.to.kept for _, _, step in every_step() if started.intersection(step.effects))


def test_writing_stops_before_anything_sounds_and_goes_on_before_anything_sounds() -> None:
    turning = {Effect.SUSPEND, Effect.CONTINUE}
    assert all(step.effects[0] in turning for _, _, step in every_step() if turning.intersection(step.effects))


def test_an_option_about_sound_changes_nothing_that_is_recorded() -> None:
    sounds = {effect for effect in Effect if effect.startswith(("announce", "notify"))}
    quiet = TableOptions(
        on_demand_announce=OnDemandAnnounce.ANSWER, repeated_code=RepeatedCode.SILENT, announce_on_resume=False
    )
    for mode, _, state, cue in CELLS:
        usual, other = advance(mode, state, cue), advance(mode, state, cue, quiet)
        kept = [[effect for effect in step.effects if effect not in sounds] for step in (usual, other)]
        assert (usual.to, kept[0]) == (other.to, kept[1])


def test_resuming_may_go_unannounced() -> None:
    step = advance(RecordingMode.ALWAYS_PAUSE_RESUME, PAUSED, Cue.RESUME, TableOptions(announce_on_resume=False))
    assert step == Step(to=RECORDING, effects=(Effect.CONTINUE, Effect.NOTIFY_RESUMED, Effect.ARM_REMINDER))


def test_a_repeated_code_may_stay_silent() -> None:
    silent = TableOptions(repeated_code=RepeatedCode.SILENT)
    step = advance(RecordingMode.ALWAYS_PAUSE_RESUME, PAUSED, Cue.PAUSE, silent)
    assert step == Step(to=PAUSED, effects=(Effect.REPEAT_NOTICE,))


def test_on_demand_may_announce_itself_at_answer_and_not_again() -> None:
    early = TableOptions(on_demand_announce=OnDemandAnnounce.ANSWER)
    answered = advance(RecordingMode.ON_DEMAND, INITIAL_STATE, Cue.ANSWERED, early)
    started = advance(RecordingMode.ON_DEMAND, answered.to, Cue.START, early)
    assert answered == Step(to=PROVISIONAL, effects=(Effect.OPEN, Effect.ANNOUNCE_STARTED))
    assert started == Step(to=RECORDING, effects=(Effect.KEEP_FROM_ANSWER, Effect.ARM_REMINDER))


def test_the_other_modes_announce_themselves_as_ever() -> None:
    early = TableOptions(on_demand_announce=OnDemandAnnounce.ANSWER)
    for mode in set(RecordingMode) - {RecordingMode.ON_DEMAND}:
        assert rows(mode, early) == rows(mode)


class SecondOpinion(RuleBasedStateMachine):
    """The same rules told once more, without a table: facts of the call, and what the words of each mode ask for."""

    @initialize(mode=st.sampled_from(RecordingMode), stop=st.sampled_from(OnDemandStop))
    def begin(self, mode: RecordingMode, stop: OnDemandStop) -> None:
        self.mode, self.options = mode, TableOptions(on_demand_stop=stop)
        self.state = INITIAL_STATE
        self.answered = self.over = False
        self.writing = self.exists = self.wanted = False
        self.kept_files = self.destroyed_files = self.failed_files = 0
        self.expected_kept = self.expected_destroyed = self.expected_failed = 0

    def step(self, cue: Cue) -> Step:
        step = advance(self.mode, self.state, cue, self.options)
        self.state = step.to
        self.kept_files += Effect.CLOSE_KEEP in step.effects
        self.destroyed_files += Effect.CLOSE_DESTROY in step.effects
        self.failed_files += Effect.CLOSE_FAILED in step.effects
        return step

    @property
    def on_demand(self) -> bool:
        return self.mode in {RecordingMode.ON_DEMAND, RecordingMode.ON_DEMAND_USER_START}

    def close(self, *, for_good: bool) -> None:
        self.expected_kept += self.exists and self.wanted
        self.expected_destroyed += self.exists and not self.wanted
        self.exists = self.writing = self.wanted = False
        self.over |= for_good

    @rule()
    def answer(self) -> None:
        self.step(Cue.ANSWERED)
        if self.answered or self.over:
            return
        self.answered = True
        if self.mode not in {RecordingMode.NEVER, RecordingMode.ON_DEMAND_USER_START}:
            self.exists = self.writing = True
            self.wanted = self.mode is not RecordingMode.ON_DEMAND

    @rule()
    def start(self) -> None:
        step = self.step(Cue.START)
        user_start = self.mode is RecordingMode.ON_DEMAND_USER_START
        fits = self.on_demand and not self.over and (self.exists or user_start)
        assert step.refused == (not fits)
        assert step.repeated == (fits and self.wanted)
        if fits and not self.exists:
            self.exists = self.writing = True
        self.wanted |= fits

    @rule()
    def stop(self) -> None:
        step = self.step(Cue.STOP)
        user_start = self.mode is RecordingMode.ON_DEMAND_USER_START
        allowed = self.mode is RecordingMode.ON_DEMAND and self.options.on_demand_stop is OnDemandStop.STOP
        fits = self.exists and self.wanted and (user_start or allowed)
        assert step.refused == (not fits)
        if fits:
            self.close(for_good=not user_start)

    @rule()
    def pause(self) -> None:
        step = self.step(Cue.PAUSE)
        fits = self.exists and self.mode is not RecordingMode.ALWAYS
        assert step.refused == (not fits)
        assert step.repeated == (fits and not self.writing)
        assert (Effect.SUSPEND in step.effects) == (fits and self.writing)
        if fits:
            self.writing = False

    @rule()
    def resume(self) -> None:
        step = self.step(Cue.RESUME)
        fits = self.exists and self.mode is not RecordingMode.ALWAYS
        assert step.refused == (not fits)
        assert step.repeated == (fits and self.writing)
        assert (Effect.CONTINUE in step.effects) == (fits and not self.writing)
        if fits:
            self.writing = True

    @rule()
    def fail(self) -> None:
        step = self.step(Cue.FAILED)
        could_record = self.mode not in {RecordingMode.NEVER, RecordingMode.ON_DEMAND_USER_START}
        told = self.exists or (could_record and not self.over)
        assert (Effect.REPORT_FAILURE in step.effects) == told
        self.expected_failed += self.exists and self.wanted
        self.expected_destroyed += self.exists and not self.wanted
        self.exists = self.writing = self.wanted = False
        self.over |= could_record

    @rule()
    def end(self) -> None:
        self.step(Cue.ENDED)
        self.close(for_good=True)

    @invariant()
    def same_state(self) -> None:
        if not hasattr(self, "state"):
            return
        if self.exists:
            running = Phase.RECORDING if self.wanted else Phase.PROVISIONAL
            phase = running if self.writing else Phase.PAUSED
        else:
            phase = Phase.CLOSED if self.over else Phase.READY
        assert self.state == RecordingState(phase=phase, kept=self.wanted)

    @invariant()
    def same_files(self) -> None:
        if hasattr(self, "state"):
            counted = (self.kept_files, self.destroyed_files, self.failed_files)
            assert counted == (self.expected_kept, self.expected_destroyed, self.expected_failed)


TestSecondOpinion = SecondOpinion.TestCase
TestSecondOpinion.settings = settings(max_examples=50, stateful_step_count=25, deadline=None)
