"""Runs as one file each: `tar`, compressed by zstd, with a manifest that names every file and its sha256."""
