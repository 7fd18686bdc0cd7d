"""Matrix products of a network in half precision, by MKL, where the processor has AVX512-FP16.

    halve(encoder)        # its Linear and LayerNorm modules; the same parameters, still 32 bits

PyTorch multiplies half-precision matrices on a processor by making them 32 bits wide. MKL's
`cblas_hgemm` multiplies them as they are: twice as many a second (measured: training/RESULTS.md).
Parameters and the optimiser stay in 32 bits; activations and their gradients are half precision, so
the loss has to be scaled (`Scale`), as Micikevicius et al. 2018, arXiv 1710.03740, describe. Normal
forms are computed in 32 bits.
"""

from __future__ import annotations

import ctypes
import os
import sys
from functools import cache
from pathlib import Path
from typing import Any

import torch
from torch import nn

_ROW_MAJOR, _AS_IS, _TRANSPOSED = 101, 111, 112


def available() -> bool:
    """True where the package `mkl` is installed and the processor multiplies in half precision."""
    try:
        flags = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    except OSError:
        return False
    return "avx512_fp16" in flags and _library_file() is not None


def halve(layers: nn.Module) -> None:
    """The Linear and LayerNorm modules of an encoder's layers, in place, compute in half precision
    from now on, and so does its attention."""
    layers.register_forward_pre_hook(_half_mask, with_kwargs=True)
    _replace(layers)


def _half_mask(_layers: nn.Module, given: Any, named: dict[str, Any]) -> Any:
    # A 32-bit mask would make the attention's scores 32 bits wide.
    mask = named.get("attention_mask")
    if mask is not None:
        named = named | {"attention_mask": mask.clamp(min=-30_000).half()}
    return given, named


def _replace(module: nn.Module) -> None:
    for name, child in list(module.named_children()):
        if isinstance(child, nn.Linear):
            setattr(module, name, HalfLinear(child))
        elif isinstance(child, nn.LayerNorm):
            setattr(module, name, HalfNorm(child))
        else:
            _replace(child)


class HalfLinear(nn.Module):
    """A Linear's parameters; a matrix that learns is copied into half precision at every call."""

    def __init__(self, linear: nn.Linear) -> None:
        super().__init__()
        self.weight, self.bias = linear.weight, linear.bias
        self._half: torch.Tensor | None = None

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if self._half is None or self.weight.requires_grad:
            self._half = self.weight.detach().half().contiguous()
        return _Product.apply(x, self.weight, self._half, self.bias)  # type: ignore[no-any-return,no-untyped-call]


class HalfNorm(nn.Module):
    """A LayerNorm computed in 32 bits, whose result is half precision."""

    def __init__(self, norm: nn.LayerNorm) -> None:
        super().__init__()
        self.weight, self.bias, self._eps = norm.weight, norm.bias, norm.eps

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        shape = tuple(self.weight.shape)
        return nn.functional.layer_norm(x.float(), shape, self.weight, self.bias, self._eps).half()


class Scale:
    """The factor of the loss: halved where a gradient overflowed, doubled after 500 good steps."""

    def __init__(self, factor: float = 1024.0) -> None:
        self.factor = factor
        self._good = 0

    def unscale(self, parameters: list[nn.Parameter]) -> bool:
        """Gradients divided by the factor; False where they are not finite and the step is to be
        left out."""
        gradients = [p.grad for p in parameters if p.grad is not None]
        total = torch.stack([g.abs().max() for g in gradients]).max()
        if not torch.isfinite(total):
            self.factor, self._good = max(1.0, self.factor / 2), 0
            return False
        for gradient in gradients:
            gradient.div_(self.factor)
        self._good += 1
        if self._good >= 500:
            self.factor, self._good = min(65536.0, self.factor * 2), 0
        return True


class _Product(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: torch.Tensor, _weight: Any, half: torch.Tensor, bias: Any) -> Any:
        shape = x.shape
        x = x.reshape(-1, shape[-1]).half().contiguous()
        ctx.save_for_backward(x, half)
        ctx.shape = shape
        out = _multiply(x, half, second=_TRANSPOSED)
        if bias is not None:
            out += bias.half()
        return out.view(*shape[:-1], -1)

    @staticmethod
    def backward(ctx: Any, gradient: torch.Tensor) -> Any:  # type: ignore[override]
        x, half = ctx.saved_tensors
        gradient = gradient.reshape(-1, gradient.shape[-1]).half().contiguous()
        of_x = of_weight = of_bias = None
        if ctx.needs_input_grad[0]:
            of_x = _multiply(gradient, half).view(ctx.shape)
        if ctx.needs_input_grad[1]:
            of_weight = _multiply(gradient, x, first=_TRANSPOSED).float()
        if ctx.needs_input_grad[3]:
            of_bias = gradient.float().sum(0)
        return of_x, of_weight, None, of_bias


def _multiply(
    a: torch.Tensor, b: torch.Tensor, first: int = _AS_IS, second: int = _AS_IS
) -> torch.Tensor:
    rows, depth = a.shape if first == _AS_IS else a.shape[::-1]
    columns = b.shape[1] if second == _AS_IS else b.shape[0]
    out = torch.empty((rows, columns), dtype=torch.float16)
    _library().cblas_hgemm(
        _ROW_MAJOR, first, second, rows, columns, depth,
        _half(1.0), ctypes.c_void_p(a.data_ptr()), a.shape[1],
        ctypes.c_void_p(b.data_ptr()), b.shape[1],
        _half(0.0), ctypes.c_void_p(out.data_ptr()), columns,
    )  # fmt: skip
    return out


@cache
def _library() -> ctypes.CDLL:
    os.environ.setdefault("MKL_THREADING_LAYER", "GNU")  # PyTorch's threads
    library = ctypes.CDLL(str(_library_file()))
    library.MKL_Set_Num_Threads(torch.get_num_threads())
    return library


def _library_file() -> Path | None:
    return next((Path(sys.prefix) / "lib").glob("libmkl_rt.so*"), None)


def _half(value: float) -> ctypes.c_uint16:
    return ctypes.c_uint16(0x3C00 if value else 0)
