"""Try a style as in a notebook: list them, paint a picture, blend, keep the colours. Each `# %%` begins a cell."""

# %% Which styles are there?
from pathlib import Path

from fast_style import Stylizer, styles
from fast_style.models.bundled import SAMPLE

table = [(style.model, style.name, style.work) for style in styles()]

# %% A picture: Pillow images or paths in, Pillow images out
stylizer = Stylizer.load("lite_wave")
painted = stylizer.stylize(SAMPLE, strokes="medium")

# %% Gentler, in the photograph's own colours
gentle = stylizer.stylize(SAMPLE, strength=0.7, preserve_color="luminance")

# %% A blend, where a model has several styles
gallery = Stylizer.load("gallery")
blend = gallery.stylize(SAMPLE, size=160, style={"wave": 0.6, "scream": 0.4})

# %% Keep them
folder = Path("painted")
folder.mkdir(exist_ok=True)
for name, picture in {"painted": painted, "gentle": gentle, "blend": blend}.items():
    picture.save(folder / f"{name}.jpg", quality=92)
