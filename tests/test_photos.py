import itertools
import multiprocessing
import random
import shutil
import statistics
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch.utils.data import DataLoader

from fast_style import images
from fast_style.data import photos as photos_module
from fast_style.data.photos import PhotoCrops, batches, list_photos, random_crop
from fast_style.errors import FastStyleError
from fast_style.models import checkpoint
from fast_style.models.bundled import find
from fast_style.options import DataOptions
from fast_style.system import malloc

from .conftest import picture

PLAIN = DataOptions(Path("unused"), image_size=32, photo_size=(40, 60), workers=0)


def spoil(folder: Path) -> list[Path]:
    """Put damaged files into a folder: cut short, empty, and text under a picture's name."""
    whole = picture(80, 60).convert("RGB")
    whole.save(folder / "a.jpg")
    data = (folder / "a.jpg").read_bytes()
    (folder / "a.jpg").write_bytes(data[: len(data) // 2])
    (folder / "empty.png").touch()
    (folder / "text.jpg").write_text("not a picture")
    return [folder / "a.jpg", folder / "empty.png", folder / "text.jpg"]


def test_any_folder_nested_or_flat_is_listed_without_what_is_no_picture(photos: Path) -> None:
    (photos / "notes.txt").write_text("x")
    picture(9, 9).save(photos / "wave.preview.jpg")  # of a training whose output lies in the dataset
    found, others = list_photos(photos)
    assert [path.name for path in found] == ["1.jpg", "3.jpg", "5.jpg", "0.jpg", "2.jpg", "4.jpg"]
    assert others == [photos / "notes.txt"]
    assert list_photos(photos, hold_out=2)[0] == found[:4]


def test_empty_or_missing_folder_is_one_clear_error(tmp_path: Path, photos: Path) -> None:
    with pytest.raises(FastStyleError, match="no such folder"):
        list_photos(tmp_path / "absent")
    (tmp_path / "empty").mkdir()
    with pytest.raises(FastStyleError, match="0 pictures"):
        list_photos(tmp_path / "empty")
    with pytest.raises(FastStyleError, match="6 pictures, 6 of them held out"):
        list_photos(photos, hold_out=6)


def test_a_folder_of_damaged_files_is_an_error(tmp_path: Path) -> None:
    bad = spoil(tmp_path)
    with pytest.raises(FastStyleError, match="no readable picture"):
        next(batches(bad, replace(PLAIN, workers=2), 32, 2, 0))


@pytest.mark.parametrize(
    ("name", "mode"),
    [("l.jpg", "L"), ("cmyk.jpg", "CMYK"), ("p.png", "P"), ("rgba.png", "RGBA"), ("la.png", "LA"), ("one.png", "1")],
)
def test_every_kind_of_picture_can_be_trained_on(tmp_path: Path, name: str, mode: str) -> None:
    picture(50, 40).convert(mode).save(tmp_path / name)
    crop, bad = PhotoCrops([tmp_path / name], 0, 32, (40, 60))[0]
    assert crop.shape == (2, 3, 32, 32)
    assert crop.dtype == torch.float32
    assert not bad


def test_tiny_pictures_are_scaled_up(tmp_path: Path) -> None:
    for width, height in [(1, 1), (3, 2), (1, 50)]:
        picture(width, height).save(tmp_path / "tiny.png")
        crop = random_crop(images.read(tmp_path / "tiny.png").rgb, random.Random(0), 32, (40, 60))
        assert crop.shape == (3, 32, 32)


def test_crops_vary_in_place_scale_and_side() -> None:
    ramp = Image.fromarray(np.linspace(0, 255, 200).astype(np.uint8)[None, :, None].repeat(100, 0).repeat(3, 2))
    crops = [random_crop(ramp, random.Random(i), 32, (40, 80)) for i in range(60)]
    slopes = [float(crop[0, 16, -1] - crop[0, 16, 0]) for crop in crops]
    assert any(s > 0 for s in slopes)
    assert any(s < 0 for s in slopes)  # mirrored
    assert max(map(abs, slopes)) > 1.6 * min(map(abs, slopes))  # scaled: 40 to 80 px is a factor of 2
    assert len({round(float(crop.mean()), 2) for crop in crops}) > 20  # moved
    assert all(crop.min() >= 0 and crop.max() <= 1 for crop in crops)


def test_the_share_of_crops_asked_for_is_blurred_and_nothing_else_changes() -> None:
    noise = Image.fromarray(np.random.default_rng(0).integers(0, 256, (100, 100, 3), np.uint8))

    def crops(share: float) -> list[torch.Tensor]:
        return [random_crop(noise, random.Random(i), 32, (40, 60), share) for i in range(200)]

    sharp, some = crops(0.0), crops(0.25)
    blurred = [some[i].std() < 0.6 * sharp[i].std() for i in range(200)]
    assert sum(blurred) == pytest.approx(50, abs=20)
    assert all(blurred[i] or torch.equal(some[i], sharp[i]) for i in range(200))


@pytest.mark.parametrize("workers", [0, 1, 2])
def test_samples_depend_on_seed_and_number_alone(photos: Path, workers: int) -> None:
    spoil(photos)
    found, _ = list_photos(photos)
    options = replace(PLAIN, seed=5, workers=workers, smooth_share=0.5, noise_share=0.5)
    crops = PhotoCrops(found, 5, 32, (40, 60), 0.5, 0.5)
    expected = [crops[i][0] for i in reversed(range(8))][::-1]
    stream = batches(found, options, 32, 2, 0)
    got = torch.cat([crop for crop, _ in itertools.islice(stream, 4)], 1)
    assert torch.equal(got, torch.stack(expected, 1))
    later, _ = next(batches(found, options, 32, 2, 4))
    assert torch.equal(later, got[:, 4:6])
    other, _ = next(batches(found, replace(options, seed=6), 32, 2, 0))
    assert not torch.equal(other, got[:, :2])


def test_bad_files_are_reported_and_replaced(photos: Path) -> None:
    bad = spoil(photos)
    found, _ = list_photos(photos)
    met = {path for _, paths in itertools.islice(batches(found, PLAIN, 32, 3, 0), 3) for path in paths}
    assert met == {str(path) for path in bad}


def test_the_stream_is_endless_and_each_epoch_is_another_order(photos: Path) -> None:
    found, _ = list_photos(photos)
    crops = PhotoCrops(found, 0, 32, (40, 60))
    orders = [[crops._shuffled(epoch * 6 + i) for i in range(6)] for epoch in range(5)]
    assert all(sorted(order) == list(range(6)) for order in orders)
    assert len({tuple(order) for order in orders}) > 1
    assert crops[10**9][0].shape == (2, 3, 32, 32)


def test_the_share_of_crops_asked_for_is_shown_with_noise_and_the_photographs_stay_as_they_are(tmp_path: Path) -> None:
    Image.linear_gradient("L").point(lambda v: 90 + v // 16).resize((80, 80)).convert("RGB").save(tmp_path / "sky.png")
    found = [tmp_path / "sky.png"]
    clean, some = (PhotoCrops(found, 3, 32, (40, 60), noise_share=share) for share in (0.0, 0.5))
    pairs = [some[i][0] for i in range(100)]
    for i, (photo, shown) in enumerate(pairs):
        assert torch.equal(torch.stack([photo, photo]), clean[i][0])
        assert shown.is_contiguous()
        assert shown.shape == (3, 32, 32)
    noise = [shown - photo for photo, shown in pairs if not torch.equal(photo, shown)]
    assert len(noise) == pytest.approx(50, abs=20)
    assert all(0 < float(each.std()) < 16 / 255 for each in noise)
    assert len({float(each[0, 0, 0]) for each in noise}) == len(noise)  # from another place each time


@pytest.mark.parametrize("name", ["lite_wave", "wave"])
def test_a_crop_of_one_colour_has_a_gradient_like_others(tmp_path: Path, name: str) -> None:
    Image.new("RGB", (160, 120), "white").save(tmp_path / "page.png")
    _, shown = PhotoCrops([tmp_path / "page.png"], 0, 96, (96, 120), noise_share=0)[0][0]
    assert 0 < float(shown.std()) < 8 / 255
    network = checkpoint.load(find(name)).network()

    def gradient(picture: torch.Tensor) -> float:
        network.zero_grad()
        painted = network(picture[None], torch.ones(1, 1))
        (painted * torch.linspace(-1, 1, painted.numel()).view_as(painted)).mean().backward()
        return float(torch.stack([w.grad.norm() for w in network.parameters() if w.grad is not None]).norm())

    assert gradient(shown) < 10 * gradient(torch.rand(3, 96, 96, generator=torch.Generator().manual_seed(0)))


@pytest.mark.slow
@pytest.mark.alone
def test_noise_costs_little_beside_a_crop(tmp_path: Path) -> None:
    from fast_style.scenes import landscape

    Image.fromarray(landscape(640, 480)).save(tmp_path / "coco_size.jpg", quality=90)
    with_noise, without = (
        PhotoCrops([tmp_path / "coco_size.jpg"], 0, 256, (256, 480), noise_share=share) for share in (1.0, 0.0)
    )
    rounds = [seconds(with_noise.__getitem__) - seconds(without.__getitem__) for _ in range(5)]
    assert statistics.median(rounds) / 20 < 0.010  # a step of four such crops takes seconds on a CPU


@pytest.mark.slow
@pytest.mark.alone
def test_a_crop_costs_less_than_its_decoding_as_much_again(tmp_path: Path) -> None:
    from fast_style.scenes import landscape

    path = tmp_path / "coco_size.jpg"
    Image.fromarray(landscape(640, 480)).save(path, quality=90)
    for i in range(20):
        shutil.copy(path, tmp_path / f"{i}.jpg")
    with multiprocessing.get_context("spawn").Pool(1) as fresh:
        decoding, crop = fresh.apply(decoding_and_crop, (tmp_path,))
    print(f"{20 / crop:.0f} photographs of 640x480 a second on one core, {decoding / crop:.2f} of it their decoding")
    assert decoding / crop > 0.5


def decoding_and_crop(folder: Path) -> tuple[float, float]:
    """Measure CPU seconds in a process with the memory allocation of `train.py` and its workers."""
    malloc.tune()
    torch.set_num_threads(1)
    found = list_photos(folder)[0][:20]
    crops = PhotoCrops(found, 0, 256, (256, 480), noise_share=0)  # what noise costs is measured above

    def decode(i: int) -> None:
        with Image.open(found[i]) as photo:
            photo.load()

    # Each photograph's least: what else runs on the machine only ever adds, and to the longer piece of work more often.
    least = np.full((20, 2), np.inf)
    for i in 30 * list(range(20)):
        least[i] = np.minimum(least[i], [cpu_seconds(work, i) for work in (decode, crops.__getitem__)])
    decoding, crop = least.sum(0)
    return decoding, crop


def cpu_seconds(work: Callable[[int], object], i: int) -> float:
    start = time.process_time()
    work(i)
    return time.process_time() - start


def seconds(work: Callable[[int], object]) -> float:
    """How long twenty pieces of work take."""
    start = time.perf_counter()
    for i in range(20):
        work(i)
    return time.perf_counter() - start


@pytest.mark.parametrize(
    ("for_gpu", "cores", "workers"), [(False, 16, 2), (True, 4, 4), (True, 64, 8), (True, None, 1)]
)
def test_a_gpu_gets_a_worker_for_each_core(
    photos: Path, monkeypatch: pytest.MonkeyPatch, for_gpu: bool, cores: int | None, workers: int
) -> None:
    asked: dict[str, int] = {}

    def loader(_: object, **kwargs: int) -> list[None]:
        asked.update(kwargs)
        return [None]

    monkeypatch.setattr("fast_style.data.photos.DataLoader", loader)
    monkeypatch.setattr("os.cpu_count", lambda: cores)
    next(batches(list_photos(photos)[0], replace(PLAIN, workers=None), 32, 2, 0, for_gpu))
    assert asked["num_workers"] == workers
    assert asked["pin_memory"] == for_gpu


def test_crops_of_several_folders_are_read_by_the_same_workers(photos: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Workers of a second loader would be forked beside the threads of the first one, and now and then hang."""
    found = list_photos(photos)[0]
    other = replace(PLAIN, seed=6)
    loaders: list[Any] = []

    def counted(*arguments: Any, **settings: Any) -> DataLoader[Any]:
        loaders.append(DataLoader(*arguments, **settings))
        return loaders[-1]

    monkeypatch.setattr(photos_module, "DataLoader", counted)
    stream = batches(found, PLAIN, 32, 2, 0, beside=[(found[::-1], other)])
    both, bad = next(stream)
    stream.close()
    assert len(loaders) == 1 and both.shape == (4, 2, 3, 32, 32) and bad == []
    alone = [next(batches(*of, 32, 2, 0))[0] for of in ((found, PLAIN), (found[::-1], other))]
    assert torch.equal(both, torch.cat(alone))
