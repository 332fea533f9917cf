"""Paint with ONNX Runtime alone, without this package: fast-style export wave -o wave.onnx, then

python bare_onnxruntime.py wave.onnx in.jpg out.jpg
"""

import sys

import numpy as np
import onnxruntime
from PIL import Image


def main(model: str, source: str, target: str) -> None:
    """Paint one picture in one pass."""
    session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    photo = np.asarray(Image.open(source).convert("RGB"), np.float32) / 255
    inputs: dict[str, np.ndarray] = {"image": photo.transpose(2, 0, 1)[None]}  # (1, 3, H, W), any height and width
    for given in session.get_inputs():
        if given.name == "blend":  # several styles: weights that sum to 1, here the first style alone
            inputs["blend"] = np.eye(given.shape[1], dtype=np.float32)[:1]
    painted = session.run(["stylized"], inputs)[0][0].transpose(1, 2, 0)
    Image.fromarray((painted * 255 + 0.5).astype(np.uint8)).save(target)


if __name__ == "__main__":
    main(*sys.argv[1:])
