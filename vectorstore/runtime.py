"""onnxruntime, imported so that it tells nobody anything.

Its telemetry is on from the start (1.32: a device id below ~/.cache, events to its maker), runs in
native code where no Python hook sees it, and heeds only this variable, only before the import.
"""

from __future__ import annotations

import os
from typing import Any


def onnxruntime() -> Any:
    """The module, with its telemetry off. The one place that imports it."""
    os.putenv("ORT_DISABLE_TELEMETRY", "1")  # read by native code: Python's copy is not needed
    import onnxruntime as imported

    return imported
