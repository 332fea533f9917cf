"""Paint uploads with FastAPI: uvicorn fast_style.examples.web_api:app, then POST a picture to /paint?strength=0.8.

It needs pip install fastapi uvicorn. `fast-style serve` is the full service, with limits, batches and a page.
"""

import io

from fastapi import FastAPI, HTTPException, Request, Response
from fastapi.concurrency import run_in_threadpool

from fast_style import FastStyleError, Stylizer, images

app = FastAPI()
stylizer = Stylizer.load("lite_wave")


def painted(data: bytes, strength: float) -> bytes:
    """Return a picture file, painted, as a JPEG."""
    image = stylizer.stylize(images.read(io.BytesIO(data)).rgb, strength=strength)
    file = io.BytesIO()
    image.save(file, "JPEG", quality=92)
    return file.getvalue()


@app.post("/paint")
async def paint(request: Request, strength: float = 1.0) -> Response:
    """Answer a picture with its painting; what is wrong with it is said in one line."""
    try:
        result = await run_in_threadpool(painted, await request.body(), strength)
    except FastStyleError as error:
        raise HTTPException(422, str(error)) from error
    return Response(result, media_type="image/jpeg")
