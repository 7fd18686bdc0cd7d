"""Matrix products of a network in sixteen bits, where the processor has instructions for them.

    narrow(encoder, precision())   # its Linear and LayerNorm modules; the same parameters, still 32 bits

- bfloat16, where the processor has AMX: PyTorch's own products, seven times as many a second as in 32
  bits (measured: training/RESULTS.md).
- float16, where it has AVX512-FP16 and the package `mkl` is installed: PyTorch multiplies
  half-precision matrices on a processor by making them 32 bits wide; MKL's `cblas_hgemm` multiplies
  them as they are.

Parameters and the optimiser stay in 32 bits; activations and their gradients are sixteen bits wide, so
in float16 the loss has to be scaled (`Scale`), as Micikevicius et al. 2018, arXiv 1710.03740, describe.
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


def precision() -> torch.dtype:
    """The narrowest floating-point numbers this processor multiplies faster than 32-bit ones, or float32."""
    try:
        flags = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    except OSError:
        return torch.float32
    if "amx_bf16" in flags:
        return torch.bfloat16
    return torch.float16 if "avx512_fp16" in flags and _library_file() else torch.float32


def narrow(layers: nn.Module, to: torch.dtype) -> None:
    """The Linear and LayerNorm modules of an encoder's layers, in place, compute in `to` from now on, and
    so does its attention."""

    def narrow_mask(_layers: nn.Module, given: Any, named: dict[str, Any]) -> Any:
        # A 32-bit mask would make the attention's scores 32 bits wide.
        mask = named.get("attention_mask")
        if mask is not None:
            named = named | {"attention_mask": mask.clamp(min=-30_000).to(to)}
        return given, named

    layers.register_forward_pre_hook(narrow_mask, with_kwargs=True)
    _replace(layers, HalfLinear if to == torch.float16 else BrainLinear, to)


def keep_memory() -> None:
    """What is freed stays with the process (glibc): a step that maps its large tensors anew each time
    takes a third longer."""
    library = ctypes.CDLL(None)
    if hasattr(library, "mallopt"):
        for option, value in ((-3, 1 << 30), (-1, (1 << 31) - 1), (-2, 1 << 28)):  # mmap, trim, pad
            library.mallopt(option, value)


def _replace(module: nn.Module, linear: type[nn.Module], to: torch.dtype) -> None:
    for name, child in list(module.named_children()):
        if isinstance(child, nn.Linear):
            setattr(module, name, linear(child))
        elif isinstance(child, nn.LayerNorm):
            setattr(module, name, NarrowNorm(child, to))
        else:
            _replace(child, linear, to)


class BrainLinear(nn.Module):
    """A Linear's parameters; what learns is copied into bfloat16 at every call."""

    def __init__(self, linear: nn.Linear) -> None:
        super().__init__()
        self.weight, self.bias = linear.weight, linear.bias
        self._kept: tuple[torch.Tensor, torch.Tensor] | None = None

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        kept = self._kept
        if kept is None or self.weight.requires_grad:
            kept = self.weight.bfloat16(), self.bias.bfloat16()
            self._kept = None if self.weight.requires_grad else kept
        return nn.functional.linear(x.bfloat16(), *kept)


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


class NarrowNorm(nn.Module):
    """A LayerNorm whose result is sixteen bits wide; float16 is computed in 32 bits."""

    def __init__(self, norm: nn.LayerNorm, to: torch.dtype) -> None:
        super().__init__()
        self.weight, self.bias, self._eps, self._to = norm.weight, norm.bias, norm.eps, to

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        wide = torch.float32 if self._to == torch.float16 else self._to
        shape = tuple(self.weight.shape)
        weight, bias = self.weight.to(wide), self.bias.to(wide)
        return nn.functional.layer_norm(x.to(wide), shape, weight, bias, self._eps).to(self._to)


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
