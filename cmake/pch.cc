// The one translation unit that owns the precompiled header src/base/pch.h.
