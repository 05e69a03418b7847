"""Every endpoint of a running app, and what a page would send to it."""

import itertools

import httpx

SESSIONS = itertools.count()


def name_of(fn):
    """Where an endpoint's function is written, and its own name if that is another."""
    function = getattr(fn.fn, "__wrapped__", fn.fn)
    place = f"{function.__module__}:{function.__qualname__}".replace(".<locals>", "")
    name = fn.fn.__name__
    return place if place.endswith(name) else f"{place}/{name}"


def endpoints(demo):
    """Those that run something of ours; the rest is the browser's own script."""
    return [fn for fn in demo.fns.values() if fn.fn is not None]


def filling(demo, css_class):
    """The endpoint that fills in the component of a class, and which output that is."""
    ((fn, number),) = [
        (fn, number)
        for fn in endpoints(demo)
        for number, each in enumerate(fn.outputs)
        if css_class in (getattr(each, "elem_classes", None) or [])
    ]
    return fn, number


def data_of(fn, settings, is_run_known=True):
    """What a page would send; with the run that exists, where its session knows it."""
    (run_dir,) = settings.runs_dir.glob("2*")
    values = []
    for component in fn.inputs:
        kind = component.get_block_name()
        value = getattr(component, "value", None)
        if kind == "dropdown" and "train.run" in str(component.label):
            value = run_dir.name if is_run_known else None
        elif kind == "textbox":
            value = "x/y"
        values.append(None if kind == "state" else value)
    return values


def ask(demo, headers, fn, data, session=None):
    """The last message about one event, through the queue."""
    session = session or f"stranger{next(SESSIONS)}"
    body = {"fn_index": fn._id, "data": data}
    with httpx.Client(base_url=demo.local_api_url, timeout=60) as client:
        joined = client.post(
            "queue/join", json={**body, "session_hash": session}, headers=headers
        )
        if joined.status_code != 200:
            return joined.text
        listening = {"params": {"session_hash": session}, "headers": headers}
        with client.stream("GET", "queue/data", **listening) as stream:
            for line in stream.iter_lines():
                if '"process_completed"' in line:
                    return line
    raise AssertionError("no answer")


def session_with_runs(demo, headers, settings):
    """A session whose list of runs has been filled, so that they can be chosen."""
    session = f"stranger{next(SESSIONS)}"
    (poll,) = [fn for fn in endpoints(demo) if name_of(fn).endswith(".poll")]
    assert '"success":true' in ask(
        demo, headers, poll, data_of(poll, settings), session
    )
    return session
