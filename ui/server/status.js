// Gradio notes of each event that ends the status of its inputs, as if they had streamed,
// and from then on writes every event's progress to all of them. Only what has streamed
// is noted.
{
  const streams = new Set();
  import("./assets/STATUS").then((module) => {
    const { prototype } = Object.values(module).find((each) => each.prototype?.resolve_args);
    const resolve = prototype.resolve_args;
    prototype.resolve_args = function (event) {
      const { fn_index, stream_state } = event;
      if (stream_state && stream_state !== "closed") streams.add(fn_index);
      return resolve.call(this, streams.has(fn_index) ? event : { ...event, stream_state: null });
    };
  });
}
