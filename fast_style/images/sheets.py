"""Several pictures on one sheet."""

from collections.abc import Sequence

from PIL import Image, ImageDraw, ImageFont

CAPTION_PX = 14


def contact_sheet(columns: Sequence[Sequence[Image.Image]], gap_px: int = 8) -> Image.Image:
    """Columns of pictures, each as wide as its widest picture, on white, `gap_px` apart and from the edge."""
    widths = [max(image.width for image in column) for column in columns]
    heights = [sum(image.height + gap_px for image in column) for column in columns]
    sheet = Image.new("RGB", (sum(widths) + gap_px * (len(widths) + 1), max(heights) + gap_px), "white")
    left = gap_px
    for column, width in zip(columns, widths, strict=True):
        top = gap_px
        for image in column:
            sheet.paste(image.convert("RGB"), (left, top))
            top += image.height + gap_px
        left += width + gap_px
    return sheet


def side_by_side(before: Image.Image, after: Image.Image) -> Image.Image:
    """Before on the left, after on the right, both at the size of `after`."""
    return contact_sheet([[before.convert("RGB").resize(after.size, Image.Resampling.LANCZOS)], [after]], gap_px=0)


def captioned(image: Image.Image, text: str) -> Image.Image:
    """The picture with a line of text under it, cut short where it is too long."""
    font = ImageFont.load_default(CAPTION_PX)
    while text and font.getlength(text) > image.width:
        text = text[:-2].rstrip(" ,:") + "…" if len(text) > 1 else ""
    sheet = Image.new("RGB", (image.width, image.height + 2 * CAPTION_PX), "white")
    sheet.paste(image.convert("RGB"), (0, 0))
    ImageDraw.Draw(sheet).text((0, image.height + CAPTION_PX // 4), text, "black", font)
    return sheet
