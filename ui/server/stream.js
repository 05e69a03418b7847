// Gradio answers a page's events in one stream, and the server ends it once it owes no
// answer. An event that is sent while the end is on its way finds the stream still open,
// and its answer would wait for the page to send another. So the end is kept from the
// page, and the stream goes on, where an event was sent in between.
{
  const ask = window.fetch.bind(window);
  const asking = new Set();
  const owed = new Set();
  const early = new Set(); // answered before the page knew their names

  const join = async (...request) => {
    const answer = await ask(...request);
    if (answer.ok) {
      const { event_id: id } = await answer.clone().json();
      if (!early.delete(id)) owed.add(id);
    }
    return answer;
  };

  // One whole event at a time, with the empty line that ends it.
  const events = async function* (body) {
    const reader = body.pipeThrough(new TextDecoderStream()).getReader();
    let rest = "";
    for (;;) {
      const { value, done } = await reader.read();
      if (done) return;
      const pieces = (rest + value).split("\n\n");
      rest = pieces.pop();
      for (const piece of pieces) yield `${piece}\n\n`;
    }
  };

  const message = (event) => {
    try {
      return JSON.parse(event.slice(event.indexOf(":") + 1)) ?? {};
    } catch {
      return {}; // nothing of Gradio's
    }
  };

  const kept = async function* (answer, again) {
    let isOver = false;
    while (!isOver) {
      isOver = true;
      for await (const event of events(answer.body)) {
        const { msg, event_id: id } = message(event);
        if (msg === "process_completed" && !owed.delete(id) && asking.size) early.add(id);
        if (msg === "close_stream") {
          // The first that is owed an answer is enough: another may be on its way for long.
          while (asking.size && !owed.size) await Promise.race(asking).catch(() => {});
          isOver = !owed.size;
          if (!isOver) continue;
        }
        yield event;
      }
      if (!isOver) answer = await again();
    }
  };

  const stream = async (...request) => {
    const again = () => ask(...request);
    const answer = await again();
    if (!answer.ok) return answer;
    const whole = kept(answer, again);
    const body = new ReadableStream({
      async pull(page) {
        const { value, done } = await whole.next();
        if (done) page.close();
        else page.enqueue(value);
      },
      cancel: () => whole.return(),
    });
    return new Response(body.pipeThrough(new TextEncoderStream()), answer);
  };

  window.fetch = (...request) => {
    const path = new URL(request[0].url ?? request[0], location.href).pathname;
    if (path.endsWith("/gradio_api/queue/data")) return stream(...request);
    if (!path.endsWith("/gradio_api/queue/join")) return ask(...request);
    const answer = join(...request);
    asking.add(answer);
    const end = () => {
      asking.delete(answer);
      if (!asking.size) early.clear();
    };
    answer.finally(end).catch(() => {});
    return answer;
  };
}
