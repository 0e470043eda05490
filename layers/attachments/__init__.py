"""Files that are attached to cases: kind by content, photos with their EXIF, the store."""

from __future__ import annotations

from layers.attachments.file_kinds import MAX_BYTES, MEDIA_TYPES, UnfitFile, UnknownFileKind, media_type_of
from layers.attachments.photos import Photo, preview_of, read_photo, served_photo
from layers.attachments.store import AttachmentStore, MissingFile

__all__ = [
    "MAX_BYTES",
    "MEDIA_TYPES",
    "AttachmentStore",
    "MissingFile",
    "Photo",
    "UnfitFile",
    "UnknownFileKind",
    "media_type_of",
    "preview_of",
    "read_photo",
    "served_photo",
]
