"""The compressor: makes an image at most as many bytes as asked for, at the highest quality that fits."""
