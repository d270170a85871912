"""Environments of images that a run needs, built beside the steps that run already."""

import threading
from collections.abc import Callable

from ernie_core.errors import Error
from jobs.local import environments


class Building:
    """What is being built for a run, and what could not be."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self._say = say
        self._threads: dict[str, threading.Thread] = {}
        self._failed: dict[str, Error] = {}

    def ready(self, image: str) -> bool:
        """Whether the environment of an image is there; if not, it is being built from now on. Raises why it cannot
        be."""
        if image in self._failed:
            raise self._failed[image]
        if image not in self._threads:
            if environments.python(image):
                return True
            self._threads[image] = threading.Thread(target=self._build, args=(image,), daemon=True)
            self._threads[image].start()
        return not self._threads[image].is_alive() and image not in self._failed

    def _build(self, image: str) -> None:
        try:
            environments.build(image, say=self._say)
        except Error as error:
            self._failed[image] = error
