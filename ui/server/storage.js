// Where a browser forbids its storage, the memory of the page stands in for it.
(() => {
  "use strict";

  for (const name of ["localStorage", "sessionStorage"]) {
    try {
      if (window[name]) continue;
    } catch {
      // forbidden
    }
    const kept = new Map();
    const storage = {
      isForgetful: true, // it ends with the page
      getItem: (key) => kept.get(String(key)) ?? null,
      setItem: (key, value) => void kept.set(String(key), String(value)),
      removeItem: (key) => void kept.delete(String(key)),
      clear: () => kept.clear(),
      key: (n) => [...kept.keys()][n] ?? null,
      get length() {
        return kept.size;
      },
    };
    Object.defineProperty(window, name, { value: storage, configurable: true });
  }
})();
