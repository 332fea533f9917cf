"""Start a training that several processes share: equal inputs, one state, batches that divide."""

import io
import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from ..errors import FastStyleError
from ..options import TrainOptions
from ..system.distributed import Group
from ..system.launch import Launch
from .schedule import Schedule
from .state import TrainingState, named

log = logging.getLogger(__name__)


def continues(options: TrainOptions, launch: Launch | None, resume_file: Path) -> bool:
    """Return whether a run goes on from its resume file: where that is asked for, and where torchrun starts it again.

    torchrun starts the same command when a process ended, or a machine came or went.
    """
    again = launch is not None and resume_file.exists() and (launch.restarts > 0 or not options.overwrite)
    return options.resume or again


def check_shares(schedule: Schedule, group: Group) -> None:
    """Raise FastStyleError where the processes cannot share batches evenly; warn where they cannot at the end."""
    data = schedule.options.data
    if data.batch_size % group.count:
        raise FastStyleError(
            f"`batch_size` is {data.batch_size}, for {group.count} processes together; take a multiple of {group.count}"
        )
    side_px, crops = schedule.crop(1.0)
    if data.finish_share and crops % group.count and group.is_first:
        even = round(group.count * data.finish_size**2 / data.image_size**2)
        log.warning(
            f"the last steps have {crops} crops of {side_px} px, which {group.count} processes cannot share evenly; "
            f"with `batch_size` {even} they can"
        )


def check_inputs(settings: Mapping[str, Any], group: Group) -> None:
    """Raise FastStyleError where the settings, which tell the content of the inputs, differ between processes."""
    everyone = group.gather(dict(settings))
    with group.agreeing():
        for rank, theirs in enumerate(everyone):
            changed = [named(key) for key in everyone[0] if theirs.get(key) != everyone[0][key]]
            if changed:
                raise FastStyleError(
                    f"process {rank} has other values of {', '.join(changed)} than process 0; all machines need the "
                    "same flags, photographs and styles"
                )


def share_state(state: TrainingState, group: Group) -> None:
    """Give every process the state of the first, which alone has read files of its own."""
    buffer = io.BytesIO()  # rather than tensors, which would arrive on the first process's GPU
    if group.is_first:
        torch.save(state.content(), buffer)
    content = group.broadcast(buffer.getvalue())
    state.restore(torch.load(io.BytesIO(content), map_location="cpu", weights_only=True))
