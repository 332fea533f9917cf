from fast_style.commands import run, stylize

if __name__ == "__main__":  # worker processes import this file again
    raise SystemExit(run(stylize.main, prog="stylize.py"))
