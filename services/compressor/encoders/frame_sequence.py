"""An animation as Pillow's writers take it: one image that can be turned to each of its frames."""

from PIL import Image

from services.compressor.decoders import Animation


class FrameSequence(Image.Image):
    """For `save_all`. Pillow would make a list of single frames, all in memory; this holds but the one in view.

    mode: that all frames are to have; None leaves them as they are.
    milliseconds: of each frame, known only once the frame has been in view. Writers look at it no earlier.
    """

    is_animated = True

    def __init__(self, animation: Animation, mode: str | None = None) -> None:
        super().__init__()
        self._animation = animation
        self._every_mode = mode
        self._shown = -1
        self._frames = animation.frames()
        self.milliseconds = [0] * animation.count
        self.seek(0)

    @property
    def n_frames(self) -> int:
        return self._animation.count

    def tell(self) -> int:
        return self._shown

    def seek(self, frame: int) -> None:
        if frame >= self._animation.count:
            raise EOFError("no more frames")
        if frame < self._shown:
            self._frames = self._animation.frames()
            self._shown = -1
        while self._shown < frame:
            shown = next(self._frames)
            self._shown += 1
            self.milliseconds[self._shown] = shown.milliseconds
            image = shown.image.convert(self._every_mode) if self._every_mode else shown.image
            self.im, self._mode, self._size = image.im, image.mode, image.size


def common_mode(animation: Animation) -> str:
    """RGBA if one of its frames has alpha, else RGB."""
    return "RGBA" if any("A" in frame.image.getbands() for frame in animation.frames()) else "RGB"


def start_of(animation: Animation, frames: int) -> Animation:
    """Its first frames only."""
    return Animation(animation.frames, min(frames, animation.count), animation.loop)
