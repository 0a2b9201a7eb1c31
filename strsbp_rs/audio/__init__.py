"""Front ends: sound as analog values, frame by frame, a channel each.

```python
from strsbp_rs.audio import LyonEar

ear = LyonEar(sample_rate=12_500)
frames = ear(samples)  # (n_frames, n_channels)
```
"""

from strsbp_rs.audio._cache import Cache
from strsbp_rs.audio._front_ends import FrontEnd, LyonEar, Stream

__all__ = ["Cache", "FrontEnd", "LyonEar", "Stream"]
