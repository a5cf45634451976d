"""An animation in the form that Pillow's writers accept: one image that seeks from frame to frame."""

from PIL import Image

from services.compressor.decoders import Animation


class FrameSequence(Image.Image):
    """Input for `save_all`. Holds the current frame only; `append_images` would need all frames in memory.

    mode: to which every frame is converted; None keeps the frames' modes.
    milliseconds: the duration of each frame, filled in as frames are decoded. Writers read a duration only afterwards.
    """

    is_animated = True

    def __init__(self, animation: Animation, mode: str | None = None) -> None:
        super().__init__()
        self._animation = animation
        self._frame_mode = mode
        self._position = -1
        self._frames = animation.frames()
        self.milliseconds = [0] * animation.count
        self.seek(0)

    @property
    def n_frames(self) -> int:
        return self._animation.count

    def tell(self) -> int:
        return self._position

    def seek(self, frame: int) -> None:
        if frame >= self._animation.count:
            raise EOFError("no more frames")
        if frame < self._position:
            self._frames = self._animation.frames()
            self._position = -1
        while self._position < frame:
            current = next(self._frames)
            self._position += 1
            self.milliseconds[self._position] = current.milliseconds
            image = current.image.convert(self._frame_mode) if self._frame_mode else current.image
            self.im, self._mode, self._size = image.im, image.mode, image.size


def common_mode(animation: Animation) -> str:
    """RGBA if any frame has alpha, else RGB."""
    return "RGBA" if any("A" in frame.image.getbands() for frame in animation.frames()) else "RGB"


def first_frames(animation: Animation, count: int) -> Animation:
    """An animation of the first `count` frames."""
    return Animation(animation.frames, min(count, animation.count), animation.loop)
