"""Kind of a file from its content, never from its name or from what the sender says."""

from __future__ import annotations

import re

from layers.errors import InputError

MAX_BYTES = 25 * 2**20
MEDIA_TYPES = {
    "image/jpeg": "photo",
    "image/png": "photo",
    "image/webp": "photo",
    "image/heic": "photo",
    "application/pdf": "document",
}
"""Media types that are taken, with the kind of evidence that each is."""

_HEIC_BRANDS = frozenset({b"heic", b"heix", b"heim", b"heis", b"hevc", b"mif1", b"msf1"})
_EDGE_BYTES = 64 * 1024
_SCRIPT = re.compile(rb"<script[\s>/]|<\?php", re.IGNORECASE)
_PAGE = re.compile(rb"<!doctype\s+html|<html[\s>]|<svg[\s>]|<body[\s>]|<iframe[\s>]", re.IGNORECASE)
_ACTIVE_PDF = re.compile(rb"/(JavaScript|JS|Launch|EmbeddedFile|RichMedia)\b")
_ZIP_END = b"PK\x05\x06"


class UnfitFile(InputError):
    """A file that is not taken; ``message_en`` and ``message_zh`` say why."""

    def __init__(self, message_en: str, message_zh: str) -> None:
        super().__init__(message_en)
        self.message_en = message_en
        self.message_zh = message_zh


class UnknownFileKind(UnfitFile):
    """The content is none of :data:`MEDIA_TYPES`."""


def media_type_of(content: bytes) -> str:
    """Return the media type of a file, from its content.

    Raises
    ------
    UnknownFileKind
        The content is no photo and no PDF.
    UnfitFile
        It is empty or too large, or it is a script or a second kind of file as well.

    Examples
    --------
    >>> media_type_of(b"%PDF-1.7 ... %%EOF")
    'application/pdf'
    >>> media_type_of(b"<svg onload=alert(1)>")
    Traceback (most recent call last):
        ...
    layers.attachments.file_kinds.UnknownFileKind: file: neither a photo (JPEG, PNG, WebP, HEIC) nor a PDF
    """
    if not content:
        raise UnfitFile("file: it is empty", "文件为空")
    if len(content) > MAX_BYTES:
        raise UnfitFile(f"file: more than {MAX_BYTES:,} bytes", f"文件超过 {MAX_BYTES:,} 字节")
    found = _by_signature(content)
    if found is None:
        raise UnknownFileKind(
            "file: neither a photo (JPEG, PNG, WebP, HEIC) nor a PDF",
            "文件既不是照片（JPEG、PNG、WebP、HEIC），也不是 PDF",
        )
    _check_one_kind(content, found)
    return found


def _by_signature(content: bytes) -> str | None:
    if content.startswith(b"\xff\xd8\xff"):
        return "image/jpeg"
    if content.startswith(b"\x89PNG\r\n\x1a\n"):
        return "image/png"
    if content.startswith(b"RIFF") and content[8:12] == b"WEBP":
        return "image/webp"
    if content[4:8] == b"ftyp" and content[8:12] in _HEIC_BRANDS:
        return "image/heic"
    return "application/pdf" if content.startswith(b"%PDF-") else None


def _check_one_kind(content: bytes, found: str) -> None:
    """Refuse a file that a browser or another program could take for something else."""
    edges = content[:_EDGE_BYTES] + b"\n" + content[-_EDGE_BYTES:]
    if _SCRIPT.search(content) or _PAGE.search(edges):
        raise UnfitFile("file: it holds a script or a page", "文件中含有脚本或网页代码")
    if _ZIP_END in content[-_EDGE_BYTES:]:
        raise UnfitFile("file: it is an archive as well", "文件同时是压缩包")
    if found != "application/pdf":
        if b"%PDF-" in content[:1024]:
            raise UnfitFile("file: it is a photo and a PDF at once", "文件同时是照片和 PDF")
        return
    if b"%%EOF" not in content[-2048:]:
        raise UnfitFile("file: the PDF is cut off (no %%EOF at its end)", "PDF 不完整（末尾缺少 %%EOF）")
    if active := _ACTIVE_PDF.search(content):
        named = active.group(1).decode()
        raise UnfitFile(f"file: the PDF holds active content (/{named})", f"PDF 含有活动内容（/{named}）")
