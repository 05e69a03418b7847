"""Decode untrusted audio files to mono, and report what each file was."""

from audio.decode.file import channel_blocks, load, probe
from audio.decode.limits import OWN, USUAL, Decoded, Decoder, Limits, SourceFacts
from audio.decode.spool import Spool, spooled

__all__ = [
    "OWN",
    "USUAL",
    "Decoded",
    "Decoder",
    "Limits",
    "SourceFacts",
    "Spool",
    "channel_blocks",
    "load",
    "probe",
    "spooled",
]
