// What all pictures of the chosen sound share: a position, a cursor, a selection; and
// the players. The clip bar's player is Gradio's; a passage has a player of its own.
(() => {
  "use strict";

  const PATIENCE_MS = 10000; // for a sound that a click has asked for
  const LOOK_MS = 50;
  const BEGUN_S = 1.5; // played without a break: nothing will stop it any more

  const state = {
    at_s: null, // position of the playback, or where it will begin
    cursor_s: null, // under the pointer
    selection: null, // {start_s, stop_s}
    isPlaying: false,
    isLooping: false, // a selection that is played begins again at its end
    duration_s: 0,
    source: "", // address of what the clip bar plays
  };
  const watchers = new Set();
  const known = new WeakSet(); // players that we listen to
  let passage = null;
  let playing = null;

  function change(parts) {
    Object.assign(state, parts);
    for (const watcher of watchers) watcher();
  }

  /** Call back at each change; the answer ends it. */
  function watch(watcher) {
    watchers.add(watcher);
    return () => watchers.delete(watcher);
  }

  /** A picture of a sound has come: in another one, what was chosen means nothing. */
  function take(duration_s) {
    const source = player()?.src ?? state.source;
    const isSame = duration_s === state.duration_s && (!state.source || source === state.source);
    Object.assign(state, { duration_s, source });
    if (isSame) return;
    passage?.pause();
    change({ at_s: null, cursor_s: null, selection: null });
  }

  /** The clip bar's <audio>, wherever Gradio hides it now; null without a sound. */
  function player() {
    const place = document.getElementById("player");
    const audio = place && audioIn(place);
    if (audio && !known.has(audio)) listen(audio);
    return audio;
  }

  function audioIn(node) {
    if (node.localName === "audio" && node.src) return node;
    for (const root of [node.shadowRoot, node])
      for (const child of root?.children ?? []) {
        const found = audioIn(child);
        if (found) return found;
      }
    return null;
  }

  function listen(audio) {
    known.add(audio);
    audio.addEventListener("play", () => {
      passage?.pause();
      follow(audio, 0);
    });
    audio.addEventListener("seeked", () => {
      if (audio.paused && audio.isConnected) change({ at_s: audio.currentTime });
    });
    if (!audio.paused) follow(audio, 0);
  }

  /** Move the position with a player while it plays, once a screen frame. */
  function follow(audio, start_s) {
    playing = audio;
    const step = () => {
      if (playing !== audio) return;
      const isPlaying = !audio.paused && !audio.ended;
      change({ at_s: start_s + audio.currentTime, isPlaying });
      if (isPlaying) requestAnimationFrame(step);
      else playing = null;
    };
    step();
  }

  function begin(audio) {
    audio.play().catch(() => {}); // stopped again before it began, or not allowed
  }

  /** Put the position somewhere; the clip bar's player goes there as well. */
  function seek(time_s) {
    const audio = player();
    if (audio) audio.currentTime = time_s;
    if (passage && !passage.paused) passage.pause();
    change({ at_s: time_s });
  }

  /** Stop what plays; or else play the chosen sound from a time, null for where it is. */
  function toggle(from_s = null) {
    const audio = player();
    if (passage && !passage.paused) passage.pause();
    else if (audio && !audio.paused) audio.pause();
    else if (audio) {
      if (from_s !== null) audio.currentTime = from_s;
      begin(audio);
    }
  }

  /** Play the sound that is on its way; Gradio stops or exchanges its player while it
   * makes it ready. Whoever touches anything meanwhile decides alone. */
  function playNext() {
    const end = performance.now() + PATIENCE_MS;
    let isLeft = false;
    const leave = () => { isLeft = true; };
    for (const event of ["pointerdown", "keydown"])
      document.addEventListener(event, leave, { capture: true, once: true, passive: true });
    const look = () => {
      const audio = player();
      const hasBegun = audio?.ended || audio?.currentTime > BEGUN_S;
      if (isLeft || hasBegun || performance.now() > end) return;
      if (audio?.paused) begin(audio);
      setTimeout(look, LOOK_MS);
    };
    look();
  }

  /** Play the chosen sound from a time on, or go on from there. */
  function playFrom(time_s) {
    seek(time_s);
    const audio = player();
    if (audio?.paused) begin(audio);
  }

  /** Play a selection again and again, or to its end; the one that plays as well. */
  function loop(isLooping) {
    if (passage) passage.loop = isLooping;
    change({ isLooping });
  }

  const isLoopHeard = () => Boolean(passage?.loop && !passage.paused);

  /** Play a passage that begins at `start_s` in the chosen sound; null: another sound. */
  function play(url, start_s = null) {
    player()?.pause();
    passage?.pause();
    passage = new Audio(url);
    const audio = passage;
    audio.loop = state.isLooping && start_s !== null;
    if (start_s !== null) audio.addEventListener("play", () => follow(audio, start_s));
    begin(audio);
  }

  // Someone who starts the clip bar's player clicks or presses a key first.
  for (const event of ["pointerdown", "click", "keydown"])
    document.addEventListener(event, () => player(), { capture: true, passive: true });

  Object.assign(Genrescope, { sound: {
    state, change, watch, take, seek, toggle, playFrom, playNext, loop, isLoopHeard, player, audioIn,
  }, play });
})();
