from fast_style.commands import run, train

if __name__ == "__main__":  # worker processes import this file again
    raise SystemExit(run(train.main, prog="train.py"))
