"""Show a page of Gradio that paints uploads: pip install gradio, then python -m fast_style.examples.gradio_demo."""

import gradio
import numpy as np

from fast_style import Stylizer


def demo(model: str = "gallery") -> gradio.Interface:
    """Return the page: a photograph, a style and its strength in, the painting out."""
    stylizer = Stylizer.load(model)

    def paint(photo: np.ndarray, style: str, strength: float) -> np.ndarray:
        return stylizer.stylize(photo, style=style, strength=strength)

    styles = gradio.Dropdown(stylizer.styles, value=stylizer.name, label="Style")
    inputs = [gradio.Image(type="numpy", label="Photograph"), styles, gradio.Slider(0, 1.5, 1, label="Strength")]
    return gradio.Interface(paint, inputs, gradio.Image(format="jpeg", label="Painting"), title="fast_style")


if __name__ == "__main__":
    demo().launch()
