"""The five tabs: none imports another; what they share is in `ui`."""
