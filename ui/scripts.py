"""JavaScript that the events of several tabs run in the browser."""

# Of a file and its start (s) in the chosen sound.
PLAY = "(file, start_s) => { if (file) Genrescope.play(file.url, start_s); }"
PLAY_OTHER = "(file) => { if (file) Genrescope.play(file.url); }"  # than the chosen one
# Of a file to download, and the query of an address to show and copy; one is null.
TAKE = """(file, query) => {
  if (query) {
    history.replaceState(history.state, "", query);
    navigator.clipboard?.writeText(location.href).catch(() => {});
  }
  if (!file) return;
  const link = document.createElement("a");
  link.href = file.url;
  link.download = file.orig_name;
  link.click();
}"""
