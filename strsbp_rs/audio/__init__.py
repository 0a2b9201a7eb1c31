"""Front ends: sound as analog values, frame by frame, a channel each; and files of sound.

```python
from strsbp_rs.audio import LyonEar, read_sound, resample

samples, sample_rate = read_sound("seven.wav")
ear = LyonEar(sample_rate=12_500)
frames = ear(resample(samples, sample_rate, 12_500))  # (n_frames, n_channels)
```
"""

from strsbp_rs.audio._cache import Cache
from strsbp_rs.audio._files import read_sound, resample
from strsbp_rs.audio._front_ends import FrontEnd, LogMel, LyonEar, Stream
from strsbp_rs.audio._heidelberg import HeidelbergCochlea

__all__ = [
    "Cache",
    "FrontEnd",
    "HeidelbergCochlea",
    "LogMel",
    "LyonEar",
    "Stream",
    "read_sound",
    "resample",
]
