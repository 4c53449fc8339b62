// A call's two channels: waveform, marks, keys, speed, a volume for each channel.
import WaveSurfer from "wavesurfer.js";

interface Peaks {
  duration_s: number;
  peaks: number[][];
}

const HEIGHT_PX = 56;
const STEP_S = 5;
const LONG_STEP_S = 10;

/** The library's own rules, less those for parts that are not used here. */
const SHADOW_RULES = `
  :host { user-select: none; min-width: 1px; }
  .scroll { overflow-x: auto; overflow-y: hidden; width: 100%; position: relative; scrollbar-width: none; }
  .wrapper { position: relative; overflow: visible; z-index: 2; }
  .canvases { min-height: ${2 * HEIGHT_PX}px; pointer-events: none; }
  .canvases > div { position: relative; }
  canvas { display: block; position: absolute; top: 0; image-rendering: pixelated; }
  .progress { pointer-events: none; position: absolute; z-index: 2; top: 0; left: 0; width: 0; height: 100%; overflow: hidden; }
  .progress > div { position: relative; }
  .cursor { pointer-events: none; position: absolute; z-index: 5; top: 0; left: 0; height: 100%; border-radius: 2px; }
`;

export async function start(player: HTMLElement): Promise<void> {
  const audio = player.querySelector("audio");
  const place = player.querySelector<HTMLElement>("[data-wave]");
  if (!audio || !place) return;
  const { duration_s, peaks } = await load(player.dataset["peaks"] ?? "");
  const wave = WaveSurfer.create({
    container: place,
    media: audio,
    ...(peaks.length > 0 ? { peaks, duration: duration_s } : {}),
    ...colours(peaks.length),
    height: HEIGHT_PX,
    barWidth: 2,
    barGap: 1,
    barRadius: 1,
    cursorWidth: 2,
    dragToSeek: true,
    hideScrollbar: true,
  });
  adoptRules(wave);
  document.addEventListener("theme", () => wave.setOptions(colours(peaks.length)));
  player.classList.add("ready");
  deck(player, place, wave, audio);
  marks(player, wave, duration_s);
  keys(player, wave);
  volumes(player, audio);
}

async function load(address: string): Promise<Peaks> {
  const nothing: Peaks = { duration_s: 0, peaks: [] };
  if (address === "") return nothing;
  try {
    const answer = await fetch(address, { headers: { Accept: "application/json" } });
    return answer.ok ? ((await answer.json()) as Peaks) : nothing;
  } catch {
    return nothing;
  }
}

function adoptRules(wave: WaveSurfer): void {
  const shadow = wave.getWrapper().getRootNode();
  if (!(shadow instanceof ShadowRoot)) return;
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(SHADOW_RULES);
  shadow.adoptedStyleSheets = [sheet];
}

/** Canvases do not know custom properties: they are read where light and dark are already decided. */
function colours(channels: number): object {
  const colour = (name: string): string => {
    const probe = document.createElement("span");
    probe.style.color = `var(${name})`;
    document.body.append(probe);
    const value = getComputedStyle(probe).color;
    probe.remove();
    return value;
  };
  const one = (name: string): object => ({ waveColor: faded(colour(name)), progressColor: colour(name) });
  const common = { cursorColor: colour("--text") };
  if (channels < 2) return { ...common, ...one("--wave-a") };
  return { ...common, splitChannels: [{ ...one("--wave-a") }, { ...one("--wave-b") }] };
}

function faded(colour: string): string {
  const [red, green, blue] = colour.match(/[\d.]+/g) ?? [];
  return `rgba(${red}, ${green}, ${blue}, 0.45)`;
}

function clock(seconds: number): string {
  const whole = Math.max(0, Math.floor(seconds));
  const [hours, minutes, rest] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, String(whole % 60).padStart(2, "0")];
  return hours > 0 ? `${hours}:${String(minutes).padStart(2, "0")}:${rest}` : `${minutes}:${rest}`;
}

function deck(player: HTMLElement, place: HTMLElement, wave: WaveSurfer, audio: HTMLAudioElement): void {
  const button = player.querySelector<HTMLButtonElement>("[data-play]");
  const time = player.querySelector<HTMLElement>("[data-clock]");
  const speed = player.querySelector<HTMLSelectElement>("[data-speed]");
  const show = (): void => {
    const now = wave.getCurrentTime();
    const text = `${clock(now)} / ${clock(wave.getDuration())}`;
    if (time && time.textContent !== text) time.textContent = text;
    place.setAttribute("aria-valuemax", String(Math.round(wave.getDuration())));
    place.setAttribute("aria-valuenow", String(Math.round(now)));
    place.setAttribute("aria-valuetext", text);
  };
  const pressed = (): void => {
    const playing = wave.isPlaying();
    player.classList.toggle("playing", playing);
    const label = (playing ? button?.dataset["pauseLabel"] : button?.dataset["playLabel"]) ?? "";
    button?.setAttribute("aria-label", label);
    const mark = button?.querySelector("use");
    mark?.setAttribute("href", (mark.getAttribute("href") ?? "").replace(/#.*/, playing ? "#pause" : "#play"));
  };
  button?.addEventListener("click", () => void wave.playPause());
  speed?.addEventListener("change", () => wave.setPlaybackRate(Number(speed.value), true));
  wave.on("timeupdate", show);
  wave.on("ready", show);
  for (const kind of ["play", "pause", "ended"]) audio.addEventListener(kind, pressed);
  show();
}

function marks(player: HTMLElement, wave: WaveSurfer, known_s: number): void {
  const layer = player.querySelector<HTMLElement>("[data-marks]");
  const buttons = [...player.querySelectorAll<HTMLButtonElement>("[data-mark-list] button")];
  const draw = (): void => {
    const whole = wave.getDuration() || known_s;
    if (!layer || !(whole > 0)) return;
    layer.replaceChildren(
      ...buttons.map((button) => {
        const at = Number(button.dataset["at"]);
        const until = Number(button.dataset["until"] ?? Number.NaN);
        const mark = document.createElement("span");
        mark.className = `${until > at ? "span" : "point"} ${button.dataset["kind"] ?? ""}`;
        mark.style.left = `${(100 * at) / whole}%`;
        if (until > at) mark.style.width = `${(100 * (until - at)) / whole}%`;
        return mark;
      }),
    );
  };
  for (const button of buttons) button.addEventListener("click", () => wave.setTime(Number(button.dataset["at"])));
  wave.on("ready", draw);
  draw();
}

function keys(player: HTMLElement, wave: WaveSurfer): void {
  const skip = (seconds: number) => (): void => wave.setTime(Math.min(Math.max(wave.getCurrentTime() + seconds, 0), wave.getDuration()));
  const actions: Record<string, () => void> = {
    " ": () => void wave.playPause(),
    k: () => void wave.playPause(),
    ArrowLeft: skip(-STEP_S),
    ArrowRight: skip(STEP_S),
    j: skip(-LONG_STEP_S),
    l: skip(LONG_STEP_S),
    Home: () => wave.setTime(0),
    End: () => wave.setTime(wave.getDuration()),
  };
  player.addEventListener("keydown", (event) => {
    const target = event.target;
    if (event.ctrlKey || event.metaKey || event.altKey || !(target instanceof HTMLElement)) return;
    if (target.matches("select, input") || (event.key === " " && target.matches("button"))) return;
    const action = actions[event.key.length === 1 ? event.key.toLowerCase() : event.key];
    if (!action) return;
    event.preventDefault();
    action();
  });
}

/** A gain for each channel. Only made when one is moved: an audio graph needs a click first. */
function volumes(player: HTMLElement, audio: HTMLAudioElement): void {
  const sliders = [...player.querySelectorAll<HTMLInputElement>("[data-volume]")];
  let gains: GainNode[] | undefined;
  const graph = (): GainNode[] => {
    const context = new AudioContext();
    const source = context.createMediaElementSource(audio);
    const splitter = context.createChannelSplitter(2);
    const merger = context.createChannelMerger(2);
    source.connect(splitter);
    const made = [0, 1].map((channel) => {
      const gain = context.createGain();
      splitter.connect(gain, channel);
      gain.connect(merger, 0, channel);
      return gain;
    });
    merger.connect(context.destination);
    audio.addEventListener("play", () => void context.resume());
    void context.resume();
    return made;
  };
  for (const slider of sliders) {
    slider.addEventListener("input", () => {
      gains ??= graph();
      const gain = gains[Number(slider.dataset["volume"])];
      if (gain) gain.gain.value = Number(slider.value) / 100;
    });
  }
}
