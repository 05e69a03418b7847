"""The five tabs: none imports another; what they share lies in `ui`."""
