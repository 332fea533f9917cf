"""Stress the program with seeded hostile and damaged input, and with trainings that are killed.

`python -m tests.stress --minutes 30 --seed 0` runs every part for its share of the time and prints a line for each;
`--only pictures films` runs some of them. A case is made from (seed, part, number) alone. An input that fails is kept
in `--failures` (default: stress_failures), where `--only PART --input FILE` tries it again.

What counts as a failure: a crash, a hang, an exception other than a FastStyleError of one line, code that was run, a
file of a stranger's that was read or written, more memory than the part's limit, and what the part itself says.
"""
