"""A Matplotlib animation as one HTML page that needs no network: frames embedded, buttons drawn by the font at hand."""

from __future__ import annotations

import hashlib
import html
import re
from typing import Any

__all__ = ["player_page"]

# Matplotlib's player names its buttons by icons of a web font, which an offline browser shows as nothing.
_SYMBOLS = {
    "minus": "&minus;",
    "plus": "+",
    "fast-backward": "|&laquo;",
    "fast-forward": "&raquo;|",
    "step-backward": "&lsaquo;",
    "step-forward": "&rsaquo;",
    "play": "&#9654;",
    "play fa-flip-horizontal": "&#9664;",
    "pause": "||",
}
# A wide animation shrinks to the window, so that the buttons under it stay in sight.
_STYLE = "<style>body { font-family: sans-serif } .animation, .animation img { max-width: 100% }</style>"
_LIMIT_MEGABYTES = 500  # Matplotlib's default of 20 drops the frames beyond it


def player_page(animation: Any, *, title: str, fps: float) -> str:
    """The whole page. animation: a matplotlib.animation.Animation; fps: frames per second, > 0.

    Raises ValueError for a rate that is not positive, and RuntimeError when Matplotlib's player asks for the network.
    """
    if not fps > 0:
        raise ValueError(f"fps must be a positive number of frames per second, got {fps!r}")
    import matplotlib

    with matplotlib.rc_context({"animation.embed_limit": _LIMIT_MEGABYTES}):
        player = animation.to_jshtml(fps=fps, embed_frames=True, default_mode="once")
    player = re.sub(r"<link[^>]*>", "", player)
    player = re.sub(r'<i class="fa fa-([\w -]+)"></i>', lambda icon: _SYMBOLS.get(icon[1], icon[1]), player)
    # Matplotlib draws a random identifier; one made of the title makes equal runs equal files.
    drawn = re.search(r"_anim_img([0-9a-f]{32})", player)
    if drawn is not None:
        player = player.replace(drawn[1], hashlib.sha256(title.encode()).hexdigest()[:32])
    outside = re.search(r'(?:src|href)\s*=\s*["\']https?:[^"\']*', player)
    if outside is not None:
        raise RuntimeError(f"the player would load {outside[0]!r}, so it would not work offline")
    title = html.escape(title)
    head = f'<!doctype html>\n<html lang="en">\n<head><meta charset="utf-8"><title>{title}</title>{_STYLE}</head>\n'
    return f"{head}<body>\n<h1>{title}</h1>\n{player}\n</body>\n</html>\n"
