"""The one exception whose text is meant for the person at the keyboard."""


class FastStyleError(Exception):
    """Something the user can mend; the text is one plain line that says what is wrong and what to do."""
