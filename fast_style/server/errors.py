"""What a client is told when its request is not answered with a picture."""

import re


class RequestError(Exception):
    """A status and one plain sentence; the sentence becomes {"error": ...}."""

    def __init__(self, status: int, sentence: str, retry_after_s: int | None = None) -> None:
        super().__init__(sentence)
        self.status = status
        self.retry_after_s = retry_after_s


class Dropped(Exception):
    """Nobody waits for this work any more."""


def sentence(error: Exception) -> str:
    """The text of an error without the dashes of flags, which are fields here, as one line."""
    text = re.sub(r"(?<![\w-])--([a-z])", r"\1", str(error)).strip().partition("\n")[0]
    return text or type(error).__name__
