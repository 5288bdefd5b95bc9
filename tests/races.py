"""Several people at one moment."""

import threading
from collections.abc import Callable

from flask import Flask

from fund.kernel.db import db, transaction


def at_once(app: Flask, *acts: Callable[[], object]) -> list[BaseException | None]:
    """Run the acts at one moment, each in a thread and a transaction of its own; their errors in order."""
    errors: list[BaseException | None] = [None] * len(acts)
    barrier = threading.Barrier(len(acts))

    def run(place: int, act: Callable[[], object]) -> None:
        with app.app_context():
            barrier.wait()
            try:
                with transaction():
                    act()
            except BaseException as error:
                errors[place] = error
            finally:
                db.session.remove()

    threads = [threading.Thread(target=run, args=(place, act)) for place, act in enumerate(acts)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    db.session.rollback()
    return errors
