"""Find the look that a person likes by choosing among pictures, and keep looks by name."""

OFFERED = 4
"""Looks in a round."""
ROUNDS = 8
"""Rounds after which a look is found; the figures in the tests are of so many."""
MOST_ROUNDS = 16
"""Rounds after which nothing more is learned."""
