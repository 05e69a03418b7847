for (const [name, value] of [["language", "LANGUAGE"], ["languages", ["LANGUAGE"]]])
  Object.defineProperty(navigator, name, { value, configurable: true });
document.documentElement.lang = "LANGUAGE";
