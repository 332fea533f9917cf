from fast_style.commands import run, train

raise SystemExit(run(train.main, prog="train.py"))
