from fast_style.commands import run, stylize

raise SystemExit(run(stylize.main, prog="stylize.py"))
