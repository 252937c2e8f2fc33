"""Uploads and downloads of file content."""
