"""Which names can be keys of a store; checking a name needs no import of a store."""


def flaw(name: str) -> str:
    """Why a name is not a plain relative path; empty if it is one."""
    if not name:
        return "it is empty"
    if any(
        ord(c) < 32 or 0x7F <= ord(c) < 0xA0 or 0xD800 <= ord(c) < 0xE000 or ord(c) in (0xFFFE, 0xFFFF) for c in name
    ):
        return "it has control or undecodable characters"
    if "\\" in name:
        return "it has a backslash"
    parts = name.split("/")
    if any(part in ("", ".", "..") for part in parts):
        return "it must be relative, without empty parts, `.` and `..`"
    if max(len(part.encode()) for part in parts) > 240 or len(name.encode()) > 900:
        return "it is too long"
    return ""
