"""Put several pictures on one sheet; all on white where they are transparent."""

from collections.abc import Sequence

from PIL import Image, ImageDraw, ImageFont

from .alpha import flat

CAPTION_PX = 14


def contact_sheet(columns: Sequence[Sequence[Image.Image]], gap_px: int = 8) -> Image.Image:
    """Arrange columns of pictures on white, each as wide as its widest picture, `gap_px` apart and from the edge."""
    widths = [max(image.width for image in column) for column in columns]
    heights = [sum(image.height + gap_px for image in column) for column in columns]
    sheet = Image.new("RGB", (sum(widths) + gap_px * (len(widths) + 1), max(heights) + gap_px), "white")
    left = gap_px
    for column, width in zip(columns, widths, strict=True):
        top = gap_px
        for image in column:
            sheet.paste(flat(image), (left, top))
            top += image.height + gap_px
        left += width + gap_px
    return sheet


def side_by_side(before: Image.Image, after: Image.Image) -> Image.Image:
    """Put `before` on the left of `after`, both at the size of `after`; returns RGB."""
    return contact_sheet([[flat(before).resize(after.size, Image.Resampling.LANCZOS)], [after]], gap_px=0)


def captioned(image: Image.Image, *lines: str) -> Image.Image:
    """Add lines of text under a picture, each cut short where it is too long; returns RGB."""
    font = ImageFont.load_default(CAPTION_PX)
    sheet = Image.new("RGB", (image.width, image.height + (len(lines) + 1) * CAPTION_PX), "white")
    sheet.paste(flat(image), (0, 0))
    for number, text in enumerate(lines):
        while text and font.getlength(text) > image.width:
            text = text[:-2].rstrip(" ,:") + "…" if len(text) > 1 else ""
        top = image.height + number * CAPTION_PX + CAPTION_PX // 4
        ImageDraw.Draw(sheet).text((0, top), text, "black", font)
    return sheet
