"""The tab Live: the microphone's spectrogram, drawn while it sounds."""
