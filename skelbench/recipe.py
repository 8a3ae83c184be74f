"""How clips are cut, networks trained and scores taken: the options shared by spec, data and train."""

from __future__ import annotations

from itertools import pairwise
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

Precision = Literal["auto", "32", "tf32", "bf16", "16"]
Stream = Literal["joint", "bone", "joint_motion", "bone_motion"]
STREAMS: tuple[Stream, ...] = ("joint", "bone", "joint_motion", "bone_motion")
Proxy = Literal["params", "macs", "grad_norm", "synflow", "naswot"]
Positive = Annotated[int, Field(gt=0)]
Fraction = Annotated[float, Field(ge=0, le=1)]
Range = tuple[float, float]


class Options(BaseModel):
    """Base of all options: strict, frozen, unknown keys are errors."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class ClipOptions(Options):
    """How a recording becomes a clip of fixed size (C, T, V, M).

    Attributes:
        frames: Frames T of a clip.
        fill: ``repeat`` (repeat the recording until it is long enough, cut at T), ``zero`` (pad
            with zeros), ``resize`` (linear interpolation to T), ``uniform`` (the T frames nearest to
            evenly spread places), ``segments`` (T equal segments, one random frame of each in
            training; at test one per view, the middle one for one view), ``random`` (T frames drawn with
            replacement, in their order; at test, for one view, evenly spread places, rounded down).
        persons: Persons M kept, by order of motion; None is the data set's own number.
        crop: Train on random windows of this share of the recording, drawn between the two bounds;
            at test the centre window of their mean. Needs ``fill: resize`` or ``uniform``.
        window: Random window of this many frames in training (the rest is filled); None for none.
        normalise: ``minmax`` scales each axis of each clip to [-1, 1] over all its frames, joints and
            persons, after random rotation and scale; ``minmax_recording`` does so over all frames of the
            recording that the clip is cut from; ``none`` leaves it as it is.
    """

    frames: Positive = 64
    fill: Literal["repeat", "zero", "resize", "uniform", "segments", "random"] = "repeat"
    persons: Positive | None = None
    crop: Range | None = None
    window: Positive | None = None
    normalise: Literal["none", "minmax", "minmax_recording"] = "none"

    @model_validator(mode="after")
    def _crop_is_possible(self) -> ClipOptions:
        if self.crop is None:
            return self
        if self.fill not in ("resize", "uniform"):
            raise ValueError("crop needs fill: resize or uniform")
        if not 0 < self.crop[0] <= self.crop[1] <= 1:
            raise ValueError("crop is (lowest, highest) share of the recording, 0 < lowest <= highest <= 1")
        return self


class VideoOptions(Options):
    """How a video becomes a clip of fixed size (C, T, H, W), of bytes.

    A video that is shorter than a clip is refused, or left out with ``skip_broken``: no frame is repeated.

    Attributes:
        frames: Frames T of a clip.
        step: Every so many frames of the video one is taken.
        resize: Rows and columns that frames are brought to before they are cropped; None leaves them.
        short_side: At test, rows or columns of the shorter side instead, the other in proportion; None is
            ``resize``.
        crop: Side of a square cut out at random in training, in the middle at test (see `EvaluateOptions`);
            None takes whole frames.
        flip: Mirror half of the training clips, left for right.
        skip_broken: Leave out, and name, videos that are missing, damaged, too short or too small; otherwise
            they end the run before it begins.
        cache_gib: Most GiB of decoded frames kept on disk, those used last; 0 keeps none. Results do not
            depend on it.
    """

    frames: Positive = 16
    step: Positive = 1
    resize: tuple[Positive, Positive] | None = None
    short_side: Positive | None = None
    crop: Positive | None = None
    flip: bool = False
    skip_broken: bool = False
    cache_gib: Annotated[float, Field(ge=0)] = 0.0

    @model_validator(mode="after")
    def _crop_fits(self) -> VideoOptions:
        if self.short_side is not None and self.crop is None:
            raise ValueError("short_side needs crop: frames would differ in size without")
        side = min(filter(None, (*(self.resize or ()), self.short_side)), default=None)
        if self.crop is not None and side is not None and self.crop > side:
            raise ValueError(f"a crop of {self.crop} is larger than frames whose shorter side is {side}")
        return self

    @property
    def window(self) -> int:
        """How many frames of the video a clip spans, from its first to its last."""
        return (self.frames - 1) * self.step + 1


class AugmentOptions(Options):
    """Random changes of a training clip, the same for all its frames unless said otherwise.

    Attributes:
        rotate: Largest angle in degrees about each axis x, y, z, drawn evenly.
        rotate_order: About which axis a clip is turned first, and so on.
        scale: Range of one factor for all axes.
        shift: Largest shift along each axis, in the units of the (normalised) clip.
        noise: Standard deviation of noise added to each coordinate.
        move: Kinetics' random move: rotation, scale and shift in the image plane that change
            linearly from values drawn for the first frame to values drawn for the last.
    """

    rotate: tuple[float, float, float] | None = None
    rotate_order: Literal["xyz", "yxz"] = "xyz"
    scale: Range | None = None
    shift: float = 0.0
    noise: float = 0.0
    move: bool = False


class OptimizerOptions(Options):
    """The optimizer; ``lr`` holds for ``reference_batch`` clips and is scaled to the effective batch.

    Attributes:
        name: ``sgd``, ``adam`` or ``adamw``.
        lr: Learning rate at the reference batch.
        reference_batch: The batch size that ``lr`` was meant for; None means the actual one.
        momentum: For sgd.
        nesterov: For sgd.
        weight_decay: L2 penalty (adamw: decoupled).
        betas: For adam and adamw.
    """

    name: Literal["sgd", "adam", "adamw"] = "sgd"
    lr: Annotated[float, Field(gt=0)] = 0.1
    reference_batch: Positive | None = None
    momentum: Fraction = 0.9
    nesterov: bool = True
    weight_decay: Annotated[float, Field(ge=0)] = 1e-4
    betas: tuple[float, float] = (0.9, 0.999)


class ScheduleOptions(Options):
    """The learning rate over epochs: linear warm-up, then steps, cosine or constant.

    Attributes:
        name: ``steps``, ``cosine`` or ``constant``.
        at: Epochs at which ``steps`` multiplies by ``factor``.
        factor: See ``at``.
        warmup: Epochs of linear warm-up.
        floor: The share of lr at which ``cosine`` ends.
        restarts: Epochs, rising, at which ``cosine`` has come to its end and begins anew (Loshchilov and
            Hutter, ICLR 2017). A training of so many epochs is the beginning of a longer one, exactly.
    """

    name: Literal["steps", "cosine", "constant"] = "cosine"
    at: tuple[int, ...] = ()
    factor: Annotated[float, Field(gt=0)] = 0.1
    warmup: Annotated[int, Field(ge=0)] = 0
    floor: Fraction = 0.0
    restarts: tuple[Positive, ...] = ()

    @model_validator(mode="after")
    def _restarts_rise(self) -> ScheduleOptions:
        if any(later <= epoch for epoch, later in pairwise((self.warmup, *self.restarts))):
            raise ValueError("restarts are epochs after the warm-up, each later than the one before")
        return self


class ValidationOptions(Options):
    """Validation comes out of the training split; the test split is never touched.

    Attributes:
        fraction: Share of the training split.
        by: ``subject`` holds out whole subjects, ``random`` draws clips evenly over classes.
    """

    fraction: Annotated[float, Field(gt=0, lt=1)] = 0.2
    by: Literal["subject", "random"] = "subject"


class TrainOptions(Options):
    """One training run.

    Attributes:
        epochs: Passes over the training split.
        batch_size: Clips that a device computes on at a time.
        accumulate: Batches whose gradients are averaged for a step of the optimizer. The effective batch is
            ``batch_size`` times this times the number of devices.
        repeat: Times each clip is seen in an epoch.
        optimizer: See `OptimizerOptions`.
        schedule: See `ScheduleOptions`.
        augment: See `AugmentOptions`.
        label_smoothing: Share of the target that other classes get.
        label_smoothing_over: Who gets it: ``all`` classes evenly, the right one included, or the ``wrong``
            ones alone.
        clip_gradient: Largest gradient norm; None for none.
        validation: See `ValidationOptions`.
        precision: ``32``, ``tf32`` (single precision with short mantissas, GPUs only), ``bf16``, ``16`` (half
            precision with a scaled loss, GPUs only); ``auto`` is bf16 where the device computes in it
            natively, else 32.
    """

    epochs: Positive = 70
    batch_size: Positive = 64
    accumulate: Positive = 1
    repeat: Positive = 1
    optimizer: OptimizerOptions = OptimizerOptions()
    schedule: ScheduleOptions = ScheduleOptions()
    augment: AugmentOptions = AugmentOptions()
    label_smoothing: Fraction = 0.0
    label_smoothing_over: Literal["all", "wrong"] = "all"
    clip_gradient: Annotated[float, Field(gt=0)] | None = None
    validation: ValidationOptions = ValidationOptions()
    precision: Precision = "auto"


class EvaluateOptions(Options):
    """How the final scores are taken.

    Attributes:
        metrics: Names of registered metrics; the first one is the headline.
        selection: ``last``: the last epoch, trained on the whole training split; ``best_val``: the
            epoch best on validation, which is then held out of the final training.
        views: Clips drawn per recording whose scores are averaged; of a video, spread evenly over it.
        crops: Squares cut out of each clip of a video, whose scores are averaged as well: 1 in the middle;
            3 at the beginning, the middle and the end of the longer side. A record's views are their product
            with ``views``.
        batch_size: Clips per forward pass.
    """

    metrics: tuple[str, ...] = ("top1", "top5")
    selection: Literal["last", "best_val"] = "last"
    views: Positive = 1
    crops: Literal[1, 3] = 1
    batch_size: Positive = 64


class DeriveOptions(Options):
    """How continuous architecture weights become one architecture.

    Attributes:
        by: ``threshold`` keeps every module of a mix whose normalised weight exceeds the
            threshold (never none: the largest is always kept); ``argmax`` keeps the largest only.
        threshold: Peng et al., AAAI 2020, keep weights above 0.1.
        relative: Take the threshold as a multiple of even weights, so that it means the same for any number
            of options: 0.1 is 0.8 times even weights over 8, and 1.2 times over 12.
    """

    by: Literal["threshold", "argmax"] = "threshold"
    threshold: Annotated[float, Field(ge=0)] = 0.1
    relative: bool = False

    @model_validator(mode="after")
    def _threshold_is_a_share(self) -> DeriveOptions:
        if not self.relative and self.threshold > 1:
            raise ValueError("threshold is a share of the weights, at most 1, unless relative is true")
        return self
