"""What tests share: signals, files, stand-ins."""
