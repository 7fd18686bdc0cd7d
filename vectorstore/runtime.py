"""onnxruntime, imported so that it reports nothing to anyone.

Its telemetry is on by default (1.32: a device id under ~/.cache, events to its maker), runs in
native code where no Python hook sees it, and heeds only this variable, and only before the import.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any


def onnxruntime() -> Any:
    """The module, with its telemetry off. This is the only place that imports it."""
    os.putenv("ORT_DISABLE_TELEMETRY", "1")  # read by native code: Python's copy is not needed
    import onnxruntime as imported

    return imported


def session(model: Path, weights: Mapping[str, Any] | None = None) -> Any:
    """An InferenceSession on the CPU; `weights` are those that the model file leaves out, by name.

    Its threads sleep while they wait: by default they spin, so that with three questions at once on
    two cores each takes 4.1 s instead of 2.9 s. A single question is a twentieth slower.
    """
    runtime = onnxruntime()
    options = runtime.SessionOptions()
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    if weights:
        values = [runtime.OrtValue.ortvalue_from_numpy(each) for each in weights.values()]
        options.add_external_initializers([*weights], values)
    return runtime.InferenceSession(str(model), options, providers=["CPUExecutionProvider"])
