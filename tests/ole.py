"""Writes compound files (OLE, MS-CFB), the format of Outlook's mails: the few parts a test needs.

compound({"stream": b"…", "storage": {"stream": b"…"}})
message({0x0037: "Subject", 0x1000: "Text"}, attachments=[…])
"""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence

_SECTOR = 512
_END, _FREE, _FAT = 0xFFFFFFFE, 0xFFFFFFFF, 0xFFFFFFFD
_NONE = 0xFFFFFFFF
Tree = Mapping[str, "bytes | Tree"]


def compound(tree: Tree) -> bytes:
    """A compound file with these streams and storages."""
    sectors: list[bytes] = []
    fat: list[int] = []
    small = bytearray()  # the streams of under 4,096 bytes, in sectors of 64
    small_fat: list[int] = []

    def put_small(content: bytes) -> int:
        first = len(small_fat)
        count = max(1, -(-len(content) // 64))
        small_fat.extend([*range(first + 1, first + count), _END])
        small.extend(content.ljust(count * 64, b"\0"))
        return first

    def put(content: bytes) -> int:
        content += b"\0" * (-len(content) % _SECTOR)
        first = len(sectors)
        count = len(content) // _SECTOR
        for n in range(count):
            sectors.append(content[n * _SECTOR : (n + 1) * _SECTOR])
            fat.append(first + n + 1 if n < count - 1 else _END)
        return first

    entries: list[list[object]] = [["Root Entry", 5, _NONE, _NONE, _NONE, _END, 0]]

    def add(children: Tree) -> int:
        """The id of the first child; each further one is the right sibling of the one before."""
        first, before = _NONE, None
        for name in sorted(children, key=lambda n: (len(n), n.upper())):
            value = children[name]
            number = len(entries)
            if isinstance(value, bytes):
                start = put_small(value) if len(value) < 4096 else put(value)
                entries.append([name, 2, _NONE, _NONE, _NONE, start, len(value)])
            else:
                entries.append([name, 1, _NONE, _NONE, _NONE, 0, 0])
                entries[number][4] = add(value)
            if before is None:
                first = number
            else:
                entries[before][3] = number
            before = number
        return first

    entries[0][4] = add(tree)
    entries[0][5:] = [put(bytes(small)), len(small)] if small else [_END, 0]
    small_fat += [_FREE] * (-len(small_fat) % 128)
    small_table = put(struct.pack(f"<{len(small_fat)}I", *small_fat)) if small_fat else _END
    directory = b""
    for name, kind, left, right, child, start, size in entries:
        encoded = str(name).encode("utf-16-le") + b"\0\0"
        directory += encoded.ljust(64, b"\0")
        directory += struct.pack("<HBBIII", len(encoded), kind, 1, left, right, child)
        directory += b"\0" * 36 + struct.pack("<IQ", start, size)
    begins = put(directory)
    tables = -(-(len(fat) + 8) // (_SECTOR // 4))
    at = len(sectors)
    fat += [_FAT] * tables
    fat += [_FREE] * (-len(fat) % (_SECTOR // 4))
    sectors += [struct.pack("<128I", *fat[n * 128 : (n + 1) * 128]) for n in range(len(fat) // 128)]
    header = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 16
    header += struct.pack(
        "<HHHHH6xIIIIIIIIII",
        0x3E,
        3,
        0xFFFE,
        9,
        6,
        0,
        tables,
        begins,
        0,
        4096,
        small_table,
        len(small_fat) // 128,
        _END,
        0,
        at,
    )
    header += b"".join(struct.pack("<I", at + n) for n in range(1, tables))
    return header.ljust(_SECTOR, b"\xff") + b"".join(sectors)


def message(
    values: Mapping[int, str | bytes],
    attachments: Sequence[Mapping[int, str | bytes] | Tree] = (),
    *,
    inner: bool = False,
) -> Tree:
    """A mail with these properties; text is Unicode. An attachment that is a tree is a mail."""
    tree: dict[str, bytes | Tree] = {}
    counts = struct.pack("<8x4I", 0, len(attachments), 0, len(attachments))
    tree |= _properties(values, counts if inner else counts + b"\0" * 8)
    for number, attachment in enumerate(attachments):
        if "__properties_version1.0" in attachment:
            held = _properties({}, b"\0" * 8, method=5)
            held["__substg1.0_3701000D"] = attachment  # type: ignore[assignment]
        else:
            held = _properties(attachment, b"\0" * 8, method=1)  # type: ignore[arg-type]
        tree[f"__attach_version1.0_#{number:08X}"] = held
    return tree


def _properties(
    values: Mapping[int, str | bytes], header: bytes, method: int | None = None
) -> dict[str, bytes | Tree]:
    made: dict[str, bytes | Tree] = {}
    rows = header
    if method is not None:
        rows += struct.pack("<HHIII", 0x0003, 0x3705, 6, method, 0)
    for pid, value in values.items():
        if pid == 0x0039:  # a time, in tenths of microseconds since 1601
            rows += struct.pack("<HHI", 0x0040, pid, 6) + bytes(value).ljust(8, b"\0")  # type: ignore[arg-type]
            continue
        kind = 0x001F if isinstance(value, str) else 0x0102
        content = value.encode("utf-16-le") if isinstance(value, str) else value
        rows += struct.pack("<HHIII", kind, pid, 6, len(content), 0)
        made[f"__substg1.0_{pid:04X}{kind:04X}"] = content
    made["__properties_version1.0"] = rows
    return made
