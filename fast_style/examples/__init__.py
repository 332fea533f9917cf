"""Programs to start from, twenty lines each; `python -m fast_style.examples.NAME` runs one."""
