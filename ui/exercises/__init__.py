"""Questions of the lessons: what is typed in, whether it is right and why out."""
