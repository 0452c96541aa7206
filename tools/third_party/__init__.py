"""Brings the pinned third-party packages into a cache outside the tree and links them under build/third_party."""
