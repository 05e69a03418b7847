// Gradio answers a page's questions in one stream, and the server ends it once it owes no
// answer. A question that is asked while the end is on its way finds the stream still
// open, and its answer would wait for the page to ask again (Gradio 6.31). So the end is
// kept from the page, and the stream goes on, where something was asked in between.
{
  const ask = window.fetch.bind(window);
  const ANSWERED = /"msg":"process_completed","event_id":"(\w+)"/g;
  const END = 'data: {"msg":"close_stream"';
  const asking = new Set();
  const owed = new Set();

  const question = async (...request) => {
    const answer = await ask(...request);
    if (answer.ok) owed.add((await answer.clone().json()).event_id);
    return answer;
  };

  // Whole events, as they come; a large one comes in several pieces.
  const events = async function* (body) {
    const reader = body.pipeThrough(new TextDecoderStream()).getReader();
    let rest = "";
    for (;;) {
      const { value, done } = await reader.read();
      if (done) return;
      rest += value;
      const length = rest.lastIndexOf("\n\n") + 2;
      if (length < 2) continue;
      yield rest.slice(0, length);
      rest = rest.slice(length);
    }
  };

  const told = async function* (answer, again) {
    let isOver = false;
    while (!isOver) {
      isOver = true;
      for await (const text of events(answer.body)) {
        for (const [, id] of text.matchAll(ANSWERED)) owed.delete(id);
        const [before, ...end] = text.split(END);
        if (before) yield before;
        if (!end.length) continue;
        await Promise.allSettled(asking);
        isOver = !owed.size;
        if (isOver) yield END + end[0];
      }
      if (!isOver) answer = await again();
    }
  };

  const stream = async (...request) => {
    const again = () => ask(...request);
    const answer = await again();
    if (!answer.ok) return answer;
    const texts = told(answer, again);
    const body = new ReadableStream({
      async pull(page) {
        const { value, done } = await texts.next();
        if (done) page.close();
        else page.enqueue(value);
      },
      cancel: () => texts.return(),
    });
    return new Response(body.pipeThrough(new TextEncoderStream()), answer);
  };

  window.fetch = (...request) => {
    const path = new URL(request[0].url ?? request[0], location.href).pathname;
    if (path.endsWith("/gradio_api/queue/data")) return stream(...request);
    if (!path.endsWith("/gradio_api/queue/join")) return ask(...request);
    const answer = question(...request);
    asking.add(answer);
    answer.finally(() => asking.delete(answer)).catch(() => {});
    return answer;
  };
}
