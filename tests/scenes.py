"""Scenes that many tests begin from: built once through the services, then laid from a copy.

A worker builds a scene the first time a test asks for it, and keeps what it wrote to the database and what it
returned. Asked for the same again on a database in the same state, it lays the copy. What a scene returns may hold rows
(they are read afresh by their key), the clock and the application; everything else is copied.
"""

import pickle
from collections.abc import Callable
from datetime import datetime
from functools import wraps
from io import BytesIO
from typing import Any, Concatenate, ParamSpec, Protocol, TypeVar

from flask import Flask, current_app
from sqlalchemy import inspect

from fund.kernel.clock import MovableClock
from fund.kernel.db import Base, db

Given = ParamSpec("Given")
Made = TypeVar("Made")

_MOST = 60
"""How many scenes one worker keeps: a megabyte or so each."""


class Stage(Protocol):
    """What a scene stands on: a database whose content can be kept and put back."""

    app: Flask

    def content(self) -> Any: ...
    def put(self, content: Any) -> None: ...


class Kept:
    """What one bench knows of its present content, and the scenes it has kept."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.scenes: dict[tuple[bytes, ...], tuple[Any, datetime, bytes]] = {}
        self.commits = 0
        self.state: tuple[bytes, ...] | None = None
        self._at = 0

    def begin(self, *, patched: bool) -> None:
        """The database is empty. A test that patches the product builds its scenes itself: they may come out other."""
        self._know(None if patched else ())

    def known(self) -> tuple[bytes, ...] | None:
        """Which scenes made the present content; None once a test wrote something itself."""
        return self.state if self._at == self.commits else None

    def lay(self, name: bytes, build: Callable[[], Made]) -> Made:
        before = self.known()
        if before is None:
            return build()
        state = (*before, name)
        if (found := self.scenes.get(state)) is not None:
            content, instant, made = found
            self.stage.put(content)
            _clock(self.stage.app).move_to(instant)
            scene: Made = _Reader(BytesIO(made), self.stage.app).load()
            db.session.rollback()  # rows as after a commit: read when asked for
        else:
            scene = build()
            if len(self.scenes) < _MOST:
                made = written(scene, self.stage.app)
                db.session.rollback()
                self.scenes[state] = (self.stage.content(), _clock(self.stage.app).now(), made)
        self._know(state)
        return scene

    def _know(self, state: tuple[bytes, ...] | None) -> None:
        self.state, self._at = state, self.commits


def laid_once(build: Callable[Given, Made]) -> Callable[Given, Made]:
    """Decorates a function that builds a scene. It changes nothing it is given, and patches nothing."""

    @wraps(build)
    def lay(*given: Given.args, **named: Given.kwargs) -> Made:
        kept: Kept | None = current_app.extensions.get("sicf_scenes")
        if kept is None or kept.known() is None:
            return build(*given, **named)
        app = kept.stage.app
        name = written((build.__module__, build.__qualname__, _clock(app).now(), given, named), app)
        return kept.lay(name, lambda: build(*given, **named))

    return lay


def step_once(step: Callable[Concatenate[Any, Given], Made]) -> Callable[Concatenate[Any, Given], Made]:
    """Decorates a method that takes a scene one step on: what it sets on the scene is kept as well."""

    @laid_once
    @wraps(step)
    def taken(scene: Any, *given: Given.args, **named: Given.kwargs) -> tuple[Made, dict[str, Any]]:
        return step(scene, *given, **named), vars(scene)

    @wraps(step)
    def take(scene: Any, *given: Given.args, **named: Given.kwargs) -> Made:
        made, own = taken(scene, *given, **named)
        vars(scene).update(own)
        return made

    return take


def _clock(app: Flask) -> MovableClock:
    clock = app.extensions["sicf_clock"]
    assert isinstance(clock, MovableClock)
    return clock


class _Writer(pickle.Pickler):
    def __init__(self, file: BytesIO, app: Flask) -> None:
        super().__init__(file)
        self._own = {id(app): "app", id(_clock(app)): "clock"}

    def persistent_id(self, thing: Any) -> object:
        if (name := self._own.get(id(thing))) is not None:
            return (name,)
        if isinstance(thing, Base):
            state = inspect(thing)
            assert state.persistent, f"{thing!r} is no row of the database"
            return ("row", type(thing), state.identity)
        return None


def written(thing: object, app: Flask) -> bytes:
    file = BytesIO()
    _Writer(file, app).dump(thing)
    return file.getvalue()


class _Reader(pickle.Unpickler):
    def __init__(self, file: BytesIO, app: Flask) -> None:
        super().__init__(file)
        self._app = app

    def persistent_load(self, name: Any) -> object:
        if name[0] == "row":
            return db.session.get_one(name[1], name[2])
        return self._app if name[0] == "app" else _clock(self._app)
