// The whole page for a projector: text, controls and pictures larger, the picture as
// high as the window. For this visit alone: a reload keeps it, another tab begins anew.
(() => {
  "use strict";
  const KEY = "genrescope.presentation";
  const CLASS = "presentation";
  const watchers = new Set();
  const root = document.documentElement;

  function set(isOn) {
    const lesson = inView();
    const top = lesson?.getBoundingClientRect().top;
    root.classList.toggle(CLASS, isOn);
    try {
      if (isOn) sessionStorage.setItem(KEY, "1");
      else sessionStorage.removeItem(KEY);
    } catch {
      // it lasts as long as the page
    }
    for (const watcher of watchers) watcher();
    const stay = () => scrollBy({ top: lesson.getBoundingClientRect().top - top, behavior: "instant" });
    if (!lesson) return;
    stay();
    requestAnimationFrame(() => requestAnimationFrame(stay)); // once pictures have their new height
  }

  /** The lesson that somebody reads: it stays in its place while those above it grow. */
  function inView() {
    const isBelowTop = (lesson) => lesson.offsetParent && lesson.getBoundingClientRect().bottom > innerHeight / 2;
    return [...document.querySelectorAll(".lessons .lesson")].find(isBelowTop);
  }

  const presentation = {
    get isOn() {
      return root.classList.contains(CLASS);
    },
    toggle: () => set(!presentation.isOn),
    watch: (watcher) => watchers.add(watcher),
  };
  try {
    if (sessionStorage.getItem(KEY)) root.classList.add(CLASS);
  } catch {
    // a private window keeps nothing
  }
  addEventListener("keydown", (event) => {
    // What else Escape leaves comes first: a menu, a selection, a picture of full size.
    if (event.key === "Escape" && !event.defaultPrevented && presentation.isOn && !document.fullscreenElement)
      set(false);
  });

  Genrescope.presentation = presentation;
})();
